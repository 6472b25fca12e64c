"""The plan: a rulebook made ready for deciding, once, so that an event meets only its rules.

Rules that count the same (type, `per`, `where`) share one counter, named by its signature
and not by a rule: a rule may be renamed, weighed or answered differently without losing
what was counted. Sessions, goals and courses are counted whether or not a rule asks, since
every milestone tells the way so far. `compiling` makes plans.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from schemas.milestone import RuleKind, Tier

SESSION = "session.completed"
GOAL = "goal.completed"
COURSE = "course.progressed"
CHECKED = "habit.checked"
COUNTED_BY_HANDLER = frozenset({CHECKED, SESSION, GOAL})
"""Types whose counters their handler in `effects` moves."""
SEPARATOR = "\x1f"
STAMP_BYTES = 4

Number = int | float
Where = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """For whom a rule speaks; what is None does not narrow it."""

    share: float | None = None
    tags: frozenset[str] | None = None
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """When a date rule is due: on the day of a profile's field, so many days around it, or every year.

    Attributes:
        offsets: days after the date, negative before it; empty for every year.
        at_minutes: the time of day, in the client's zone.
    """

    field: str
    offsets: tuple[int, ...]
    at_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRule:
    """What deciding needs of a rule.

    Attributes:
        thresholds: ascending; empty if every multiple of `every` is one. Of a value that falls, they
            and the value are negative.
        slot_keys: the names of the thresholds in the ledger, without a `per` value.
        habits: the habits that a streak or lapse rule looks at; None for all.
        by_habit: whether a streak is of one habit, or of any habit a day.
        per_streak: whether every run may reach its thresholds again.
        settle_ms: how long a crossing has to hold before it is emitted.
        effective_from: crossings before this day (from 1970, the client's) are silent.
        falls: whether thresholds are reached downwards.
        min_days: how long a run has to be to be missed.
    """

    id: str
    kind: RuleKind
    event_type: str
    tier: Tier
    name: str
    moment: str | None
    thresholds: tuple[Number, ...] = ()
    slot_keys: tuple[str, ...] = ()
    every: int | None = None
    habits: frozenset[str] | None = None
    by_habit: bool = False
    per_streak: bool = False
    settle_ms: int = 0
    effective_from: int | None = None
    audience: Audience | None = None
    falls: bool = False
    min_days: int = 0
    dates: Dates | None = None

    @property
    def is_open(self) -> bool:
        """Whether it speaks of every client and every day."""
        return self.audience is None and self.effective_from is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """Streak and lapse rules that look at the same days: of each habit, or of any of some habits.

    Attributes:
        habits: the habits that count; None for all.
    """

    by_habit: bool
    habits: frozenset[str] | None
    streaks: tuple[PlannedRule, ...]
    lapses: tuple[PlannedRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One counter: what is counted, and the rules that look at it.

    Attributes:
        key: its name in the state; stable over rulebooks.
        of: the field that holds an amount, a percentage or a value; None for a count.
        falls: whether its values are kept as their negatives.
        edges: every threshold of its rules, ascending.
        steps: the intervals of rules that fire at every multiple.
    """

    key: str
    per: str | None
    where: Where
    of: str | None
    falls: bool
    rules: tuple[PlannedRule, ...]
    edges: tuple[Number, ...]
    steps: tuple[int, ...]

    def is_crossed(self, before: Number, after: Number) -> bool:
        """Whether any threshold lies between two values, whichever is higher: few moves ask more than this."""
        edges = self.edges
        if edges and bisect_right(edges, before) != bisect_right(edges, after):
            return True
        return any(before // step != after // step for step in self.steps) if self.steps else False

    def counter(self, data: Any) -> str | None:
        """The counter in the state that an event's data belongs to; None if to none."""
        for name, allowed in self.where:
            value = field_of(data, name)
            if value is None or as_text(value) not in allowed:
                return None
        if self.per is None:
            return self.key
        value = field_of(data, self.per)
        return None if value is None else f"{self.key}{SEPARATOR}{as_text(value)}"

    def amount(self, data: Any) -> Number | None:
        """The number in an event's data; None if there is none."""
        value = field_of(data, self.of or "")
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MAX_AMOUNT:
            return None
        return whole(-value if self.falls else value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rulebook, indexed by what an event asks of it; each signature under its event type.

    Attributes:
        stamp: the first bytes of the digest, by which a state knows what it was looked at with.
        fixed_counters: the counters of types of which every event belongs to the same.
        counted_types: types that are counted or summed, without those whose handler does it.
        marked_types: types that carry a percentage or a watched value.
    """

    digest: str
    version: int
    stamp: bytes
    zone: str
    day_starts_minutes: int
    grace_ms: int
    hold_off_ms: int
    counts: Mapping[str, tuple[Signature, ...]]
    sums: Mapping[str, tuple[Signature, ...]]
    percents: Mapping[str, tuple[Signature, ...]]
    values: Mapping[str, tuple[Signature, ...]]
    streaks: tuple[PlannedRule, ...]
    lapses: tuple[PlannedRule, ...]
    lookouts: tuple[Lookout, ...]
    dates: tuple[PlannedRule, ...]
    signatures: Mapping[str, Signature]
    fixed_counters: Mapping[str, tuple[str, ...]]
    counted_types: frozenset[str]
    marked_types: frozenset[str]


_MAX_AMOUNT = 2.0**53


def field_of(data: Any, name: str) -> Any:
    """A field of an event's data, whether of a known or a free type; None if it has none."""
    return data.get(name) if isinstance(data, dict) else getattr(data, name, None)


def as_text(value: Any) -> str:
    """The text under which a value is compared and counted."""
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return msgspec.json.encode(whole(value) if isinstance(value, float) else value).decode()


def whole(number: Number) -> Number:
    """A number as an int if it is one, so that 80 and 80.0 are the same threshold."""
    return int(number) if number == int(number) else number


def counters_of(plan: Plan, event_type: str, data: Any) -> tuple[str, ...]:
    """The counters that an event of a type belongs to."""
    fixed = plan.fixed_counters.get(event_type)
    if fixed is not None:
        return fixed
    found = []
    for signature in plan.counts.get(event_type, ()):
        counter = signature.counter(data)
        if counter is not None:
            found.append(counter)
    return tuple(found)
