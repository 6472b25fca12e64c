"""The plan: a rulebook made ready for deciding, once, so that an event meets only its rules.

Rules that count the same (type, `per`, `where`) share one counter, named by its signature
and not by a rule: a rule may be renamed, weighed or answered differently without losing
what was counted. Sessions, goals and courses are counted whether or not a rule asks, since
every milestone tells the way so far.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.milestone import RuleKind, Tier
from schemas.rulebook import Rulebook
from schemas.rules import CountWhen, PercentWhen, Rule, StreakWhen
from streams.tracking.local_days import minutes_of

SESSION = "session.completed"
GOAL = "goal.completed"
COURSE = "course.progressed"
SEPARATOR = "\x1f"

Where = tuple[tuple[str, frozenset[str]], ...]

_SHORT: dict[tuple[str, str | None, Where], str] = {
    (SESSION, None, ()): "s",
    (GOAL, None, ()): "g",
    (COURSE, "course_id", ()): "c",
}
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRule:
    """What deciding needs of a rule.

    Attributes:
        thresholds: ascending; empty if every multiple of `every` is one.
        habits: the habits that a streak rule looks at; None for all.
        by_habit: whether a streak is of one habit, or of any habit a day.
        per_streak: whether every run may reach its thresholds again.
    """

    id: str
    kind: RuleKind
    event_type: str
    tier: Tier
    name: str
    moment: str | None
    thresholds: tuple[int, ...] = ()
    every: int | None = None
    habits: frozenset[str] | None = None
    by_habit: bool = False
    per_streak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One counter: what is counted, and the rules that look at it.

    Attributes:
        key: its name in the state; stable over rulebooks.
        of: the field that holds a percentage; None for a count.
        edges: every threshold of its rules, ascending.
        steps: the intervals of rules that fire at every multiple.
    """

    key: str
    per: str | None
    where: Where
    of: str | None
    rules: tuple[PlannedRule, ...]
    edges: tuple[int, ...]
    steps: tuple[int, ...]

    def is_crossed(self, before: float, after: float) -> bool:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rulebook, indexed by what an event asks of it."""

    digest: str
    version: int
    zone: str
    day_starts_minutes: int
    grace_ms: int
    hold_off_ms: int
    counts: Mapping[str, tuple[Signature, ...]]
    percents: Mapping[str, tuple[Signature, ...]]
    streaks: tuple[PlannedRule, ...]
    signatures: Mapping[str, Signature]


def field_of(data: Any, name: str) -> Any:
    """A field of an event's data, whether of a known or a free type; None if it has none."""
    return data.get(name) if isinstance(data, dict) else getattr(data, name, None)


def as_text(value: Any) -> str:
    """The text under which a value is compared and counted."""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else msgspec.json.encode(value).decode()


def counters_of(signatures: Mapping[str, tuple[Signature, ...]], event_type: str, data: Any) -> tuple[str, ...]:
    """The counters that an event of a type belongs to."""
    found = []
    for signature in signatures.get(event_type, ()):
        counter = signature.counter(data)
        if counter is not None:
            found.append(counter)
    return tuple(found)


def compile_rulebook(rulebook: Rulebook) -> Plan:
    """The plan of a rulebook; what is not enabled is left out."""
    rules = [rule for rule in rulebook.rules if rule.enabled]
    counts = _signatures((rule for rule in rules if isinstance(rule.when, CountWhen)), (SESSION, GOAL))
    percents = _signatures((rule for rule in rules if isinstance(rule.when, PercentWhen)), (COURSE,))
    every = [signature for group in (*counts.values(), *percents.values()) for signature in group]
    defaults = rulebook.defaults
    return Plan(
        digest=rulebook.digest,
        version=rulebook.version,
        zone=defaults.timezone,
        day_starts_minutes=minutes_of(defaults.day_starts_at),
        grace_ms=defaults.grace_hours * _HOUR_MS,
        hold_off_ms=defaults.session_hold_off_minutes * _MINUTE_MS,
        counts=counts,
        percents=percents,
        streaks=tuple(_planned(rule) for rule in rules if isinstance(rule.when, StreakWhen)),
        signatures={signature.key: signature for signature in every},
    )


def _signatures(rules: Iterable[Rule], always: tuple[str, ...]) -> dict[str, tuple[Signature, ...]]:
    """The counters by event type, each with its rules; those of `always` also without one."""
    asked: dict[tuple[str, str | None, Where, str | None], list[PlannedRule]] = {}
    for event_type in always:
        is_course = event_type == COURSE
        asked[event_type, "course_id" if is_course else None, (), "percent" if is_course else None] = []
    for rule in rules:
        of = rule.when.of if isinstance(rule.when, PercentWhen) else None
        where = tuple((name, frozenset(map(as_text, values))) for name, values in sorted(rule.where.items()))
        asked.setdefault((rule.when.event_type, rule.when.per, where, of), []).append(_planned(rule))
    found: dict[str, tuple[Signature, ...]] = {}
    for (event_type, per, where, of), planned in asked.items():
        signature = Signature(
            key=_key(event_type, per, where, of),
            per=per,
            where=where,
            of=of,
            rules=tuple(planned),
            edges=tuple(sorted({threshold for rule in planned for threshold in rule.thresholds})),
            steps=tuple({rule.every for rule in planned if rule.every}),
        )
        found[event_type] = (*found.get(event_type, ()), signature)
    return found


def _key(event_type: str, per: str | None, where: Where, of: str | None) -> str:
    if of in {None, "percent"} and (event_type, per, where) in _SHORT:
        return _SHORT[event_type, per, where]
    canonical = msgspec.json.encode([event_type, per, [[name, sorted(values)] for name, values in where], of])
    return blake2b(canonical, digest_size=6).hexdigest()


def _planned(rule: Rule) -> PlannedRule:
    when = rule.when
    habits = rule.where.get("habit_id") if isinstance(when, StreakWhen) else None
    thresholds = when.days if isinstance(when, StreakWhen) else when.reaches
    return PlannedRule(
        id=rule.id,
        kind=when.kind,
        event_type=when.event_type,
        tier=rule.tier,
        name=rule.name or rule.id.replace("-", " ").capitalize(),
        moment=rule.moment,
        thresholds=thresholds or (),
        every=when.every if isinstance(when, CountWhen) else None,
        habits=None if habits is None else frozenset(map(as_text, habits)),
        by_habit=when.per is not None,
        per_streak=rule.repeat == "per-streak",
    )
