"""What differs between two rulebooks, rule by rule, in words that a coach reads.

It also says where the service would celebrate less than a backtest counts: a backtest folds
the whole log under each rulebook, while the service meets a changed rule with everything that
clients have already reached (tracking, "History").
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from schemas.rulebook import Rulebook
from schemas.rules import Rule

Kind = Literal["new", "gone", "changed"]
_NUMBERS = ("days", "reaches", "every", "falls_to", "min_days", "days_before", "days_after", "rises_to")
_ANSWER = frozenset({"name", "moment", "channels", "template", "gift_cents", "approval", "reward", "next", "enabled"})
_CENTS = 100


class RuleChange(Struct, frozen=True, kw_only=True):
    """A rule that is not the same in both rulebooks.

    Attributes:
        change: how it reads after the rule's id: "with 14 days instead of 21".
        note: how the service would differ from the backtest; None if it would not.
    """

    rule: str
    kind: Kind
    change: str
    note: str | None = None


def rule_changes(old: Rulebook, new: Rulebook) -> tuple[RuleChange, ...]:
    """Every rule that is new, gone or changed, in the order of the new rulebook; a disabled rule is none."""
    before, after = _enabled(old), _enabled(new)
    changes = [_change(before.get(rule.id), rule) for rule in after.values()]
    gone = (RuleChange(rule=name, kind="gone", change="taken out") for name in before if name not in after)
    return (*(change for change in changes if change is not None), *gone)


def sentence(difference: int, cents: int) -> str:
    """A difference in words: "37 more celebrations, $0 more"."""
    word = "celebration" if abs(difference) == 1 else "celebrations"
    number = f"{abs(difference)} {'fewer' if difference < 0 else 'more'} {word}"
    return f"{number}, {dollars(abs(cents))} {'less' if cents < 0 else 'more'}"


def dollars(cents: int) -> str:
    """An amount for people."""
    whole, rest = divmod(abs(cents), _CENTS)
    return f"{'-' if cents < 0 else ''}${whole}" + (f".{rest:02}" if rest else "")


def _enabled(rulebook: Rulebook) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rulebook.rules if rule.enabled}


def _change(old: Rule | None, new: Rule) -> RuleChange | None:
    if old is None:
        entered = (
            "new: thresholds that clients have passed before it goes live are entered silently, and what no rule "
            "counted before is counted from then on; the service celebrates only what is reached afterwards"
        )
        return RuleChange(rule=new.id, kind="new", change="new", note=entered)
    differing = [name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)]
    if not differing:
        return None
    numbers = _numbers(old), _numbers(new)
    is_other = numbers[0] != numbers[1]
    words = f"with {numbers[1]} instead of {numbers[0]}" if is_other else f"with another {_listed(differing)}"
    note: str | None = None
    if set(differing) - _ANSWER - {"tier"}:
        note = "changed: clients who have already passed a threshold that it adds enter it silently when it goes live"
    return RuleChange(rule=new.id, kind="changed", change=words, note=note)


def _numbers(rule: Rule) -> str:
    """The thresholds of a rule with what they count."""
    when = rule.when.model_dump()
    name = next((name for name in _NUMBERS if when.get(name) is not None), None)
    if name is None:
        return "its time"
    values = when[name] if isinstance(when[name], tuple | list) else (when[name],)
    text = ", ".join(map(str, values))
    if name == "days":
        return f"{text} days"
    if rule.when.kind == "percent":
        return f"{text} %"
    return f"every {text}" if name == "every" else f"{name.replace('_', ' ')} {text}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)
