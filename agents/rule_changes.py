"""What differs between two rulebooks, rule by rule, in words that a coach reads.

It also says where the service would celebrate less than a backtest counts: a backtest folds
the whole log under each rulebook, while the service meets a changed rule with everything that
clients have already reached (tracking, "History").
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from agents.rule_numbers import NUMBERS, instead
from schemas.rulebook import Rulebook
from schemas.rules import DateWhen, LapseWhen, Rule

Kind = Literal["new", "gone", "changed"]
_ANSWER = frozenset({"name", "moment", "channels", "template", "gift_cents", "approval", "reward", "next", "enabled"})
_WORDING = frozenset({"name", "template"})
"""What a rule is called and answered with in words: nothing to tell beside other numbers."""

_WORDS = {**dict.fromkeys(("count", "percent", "sum", "value"), "event"), "of": "field", "lapse": "streak"}
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


def sentence(difference: int, cents: int, what: str = "celebration") -> str:
    """A difference in words: "37 more celebrations, $0 more"."""
    word = what if abs(difference) == 1 else f"{what}s"
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
        return RuleChange(rule=new.id, kind="new", change="new", note=_entered(new))
    differing = [name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)]
    if not differing:
        return None
    numbers = instead(old.when, new.when)
    beside = _WORDING if numbers else frozenset()
    others = [*_beside_numbers(old, new), *(name for name in differing if name != "when" and name not in beside)]
    another = f"another {_listed(others)}"
    words = another if numbers is None else f"{numbers} (and {another})" if others else numbers
    note = _moved(new) if set(differing) - _ANSWER - {"tier"} else None
    return RuleChange(rule=new.id, kind="changed", change=f"with {words}", note=note)


def _beside_numbers(old: Rule, new: Rule) -> tuple[str, ...]:
    """What else differs in what a rule waits for, in the rulebook's own words."""
    if old.when.kind != new.when.kind:
        return ("event",)
    were, are = old.when.model_dump(), new.when.model_dump()
    return tuple(_WORDS.get(name, name) for name in are if name not in NUMBERS and were[name] != are[name])


def _entered(rule: Rule) -> str:
    """How the service meets a rule that is new."""
    if isinstance(rule.when, DateWhen):
        return "new: dates that lie behind when it goes live are not made up; the service tells only of later ones"
    if isinstance(rule.when, LapseWhen):
        return (
            "new: runs that were broken before it goes live are entered silently; the service tells only of later ones"
        )
    return (
        "new: thresholds that clients have passed before it goes live are entered silently, and what no rule "
        "counted before is counted from then on; the service celebrates only what is reached afterwards"
    )


def _moved(rule: Rule) -> str:
    """How the service meets a rule that is changed."""
    if isinstance(rule.when, DateWhen):
        return "changed: dates that lie behind by the change when it goes live are not made up"
    if isinstance(rule.when, LapseWhen):
        return "changed: runs that are broken by the change when it goes live are entered silently"
    return "changed: clients who have already passed a threshold that it adds enter it silently when it goes live"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)
