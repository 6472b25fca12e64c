"""Doubts about a valid rulebook: what is allowed and hardly meant.

A rule that can never fire, and money that nobody approves, are no errors: the file may be
used as it is. But whoever wrote it should hear of them, at the place where they stand.
Only rules that are switched on are doubted.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
from msgspec.structs import FieldInfo

from schemas.event import EVENT_DATA
from schemas.policy import LIGHT_TIERS, Policy, TierPolicy
from schemas.rule_words import Scalar, numbers_of
from schemas.rulebook import Rulebook
from schemas.rulebook_faults import Fault, in_file_order, shown, suggestion
from schemas.rules import CountWhen, Rule, StreakWhen, ValueWhen
from schemas.yaml_lines import Path, Place

Doubt = tuple[Path, str]

LONGEST_STREAK_DAYS = 36_500
_ONE_OF_A_KIND = {
    "session.booked": "session_id",
    "session.completed": "session_id",
    "purchase.completed": "order_id",
}
"""Ids that are given once: an event that repeats one is the same event again."""


def doubts(rulebook: Rulebook, places: Mapping[Path, Place]) -> tuple[Fault, ...]:
    """What a valid rulebook says and hardly means, from top to bottom, each once."""
    found: dict[str, Fault] = {}
    for path, text in _doubts(rulebook):
        fault = Fault(place=_place(path, places), path=shown(path), text=text)
        found.setdefault(str(fault), fault)
    return in_file_order(found.values())


def _place(path: Path, places: Mapping[Path, Place]) -> Place:
    """Where a path stands; of what the file leaves unsaid, where it would stand."""
    while path not in places:
        path = path[:-1]
    return places[path]


def _doubts(rulebook: Rulebook) -> Iterator[Doubt]:
    for index, rule in enumerate(rulebook.rules):
        if not rule.enabled:
            continue
        path: Path = ("rules", index)
        for below, text in (*_audience(rule), *_where(rule), *_thresholds(rule)):
            yield (*path, *below), f"{rule.id} {text}"
        yield from _money(rule, path, rulebook.policy)


def _audience(rule: Rule) -> Iterator[Doubt]:
    if rule.clients is not None and rule.clients.share == 0:
        yield ("clients", "share"), "is for no client, so nobody hears of it"


def _where(rule: Rule) -> Iterator[Doubt]:
    shape = EVENT_DATA.get(rule.when.event_type)
    specs = {spec.encode_name: spec for spec in msgspec.structs.fields(shape)} if shape else {}
    for field, values in rule.where.items():
        spec = specs.get(field)
        for index, value in enumerate(values):
            if spec is not None and not _can_be(spec, _text(value)):
                never = f"{field} of {rule.when.event_type} is never {_text(value)!r}"
                yield ("where", field, index), f"waits in vain: {never}{_nearest(spec, _text(value))}"


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _can_be(spec: FieldInfo, text: str) -> bool:
    try:
        msgspec.convert(text, spec.type, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _nearest(spec: FieldInfo, text: str) -> str:
    words = [word for part in get_args(spec.type) for word in get_args(part) if isinstance(word, str)]
    cased = [word for word in (text.upper(), text.lower()) if _can_be(spec, word)]
    return f"; did you mean {cased[0]}?" if cased else suggestion(text, words)


def _thresholds(rule: Rule) -> Iterator[Doubt]:
    when = rule.when
    if isinstance(when, StreakWhen) and when.days[-1] > LONGEST_STREAK_DAYS:
        yield ("when", "days"), f"waits in vain: no streak is longer than {LONGEST_STREAK_DAYS} days"
    if isinstance(when, ValueWhen):
        yield from _values(when)
    if isinstance(when, CountWhen) and when.per and when.per == _ONE_OF_A_KIND.get(when.count):
        most = max(when.reaches or (), default=when.every or 0)
        if most > 1:
            word = "reaches" if when.reaches else "every"
            yield ("when", word), f"waits in vain: one {when.per} is counted once, so never {most} times"


def _values(when: ValueWhen) -> Iterator[Doubt]:
    """Thresholds beyond what the field of a known type can hold."""
    number: Any = numbers_of(when.value).get(when.of) if when.value in EVENT_DATA else None
    if number is None:
        return
    for word, thresholds in (("reaches", when.reaches or ()), ("falls_to", when.falls_to or ())):
        for index, threshold in enumerate(thresholds):
            if not number.ge <= threshold <= number.le:
                within = f"{when.of} lies between {number.ge} and {number.le}"
                yield ("when", word, index), f"waits in vain for {threshold}: {within}"


def _money(rule: Rule, path: Path, policy: Policy) -> Iterator[Doubt]:
    tier_policy: TierPolicy = policy.tiers[rule.tier]
    tier: Path = ("tiers", rule.tier)
    of_rule = rule.gift_cents is not None or rule.reward is not None
    own = max(rule.reward.cents) if rule.reward else rule.gift_cents
    cents = tier_policy.gift_cents if own is None else own
    channels = rule.channels or tier_policy.channels
    gift_path = (*(path if of_rule else tier), "reward" if rule.reward else "gift_cents")
    channels_path = (*(path if rule.channels else tier), "channels")
    if "gift" in channels and rule.tier in LIGHT_TIERS and not cents:
        yield channels_path, f"a {rule.tier} milestone costs nothing, so its gift is never given"
    elif "gift" in channels and not cents:
        yield channels_path, "names a gift, but no gift_cents: nothing is given"
    if cents and "gift" not in channels:
        yield gift_path, "names money, but no gift among the channels: it is never given"
    if not cents or "gift" not in channels:
        return
    if (rule.approval or tier_policy.approval or policy.approval) == "never":
        where: Path = path if rule.approval else tier if tier_policy.approval else ()
        yield (*where, "approval"), f"{cents} cents are given without anybody's approval"
    if cents > policy.budget.client_month_cents:
        yield gift_path, f"{cents} cents are more than the budget of a client and month"
    if rule.tier == "nudge":
        yield gift_path, "a nudge with a gift rewards whoever stays away"
