"""Compiling: from a rulebook, as people write it, to the plan that decides."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.rulebook import Rulebook
from schemas.rules import CountWhen, DateWhen, LapseWhen, PercentWhen, Rule, StreakWhen, SumWhen, ValueWhen
from streams.tracking.local_days import day_number, minutes_of
from streams.tracking.plan import (
    COUNTED_BY_HANDLER,
    COURSE,
    GOAL,
    SEPARATOR,
    SESSION,
    STAMP_BYTES,
    Audience,
    Dates,
    Lookout,
    Number,
    Plan,
    PlannedRule,
    Signature,
    Where,
    as_text,
    whole,
)

_SHORT: Mapping[tuple[str, str | None, Where], str] = {
    (SESSION, None, ()): "s",
    (GOAL, None, ()): "g",
    (COURSE, "course_id", ()): "c",
}
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000

_Asked = tuple[str, str | None, Where, str | None, bool]
"""What a signature is of: type, `per`, `where`, the field of an amount, and whether it falls."""


def compile_rulebook(rulebook: Rulebook) -> Plan:
    """The plan of a rulebook; what is not enabled is left out."""
    rules = [rule for rule in rulebook.rules if rule.enabled]
    by_id = {rule.id: rule for rule in rulebook.rules}
    counts = _signatures(rules, CountWhen, (SESSION, GOAL))
    sums = _signatures(rules, SumWhen)
    percents = _signatures(rules, PercentWhen, (COURSE,))
    values = _signatures(rules, ValueWhen)
    every = [one for kind in (counts, sums, percents, values) for group in kind.values() for one in group]
    defaults = rulebook.defaults
    streaks = tuple(_planned(rule, rule) for rule in rules if isinstance(rule.when, StreakWhen))
    lapses = tuple(_planned(rule, by_id[rule.when.lapse]) for rule in rules if isinstance(rule.when, LapseWhen))
    return Plan(
        digest=rulebook.digest,
        version=rulebook.version,
        stamp=bytes.fromhex(rulebook.digest)[:STAMP_BYTES],
        zone=defaults.timezone,
        day_starts_minutes=minutes_of(defaults.day_starts_at),
        grace_ms=defaults.grace_hours * _HOUR_MS,
        hold_off_ms=defaults.session_hold_off_minutes * _MINUTE_MS,
        counts=counts,
        sums=sums,
        percents=percents,
        values=values,
        streaks=streaks,
        lapses=lapses,
        lookouts=_lookouts(streaks, lapses),
        dates=tuple(_planned(rule, rule) for rule in rules if isinstance(rule.when, DateWhen)),
        signatures={signature.key: signature for signature in every},
        fixed_counters=_fixed(counts),
        counted_types=frozenset((*counts, *sums)) - COUNTED_BY_HANDLER,
        marked_types=frozenset((*percents, *values)),
    )


def _fixed(counts: Mapping[str, tuple[Signature, ...]]) -> Mapping[str, tuple[str, ...]]:
    """The counters of each type that has no `per` and no `where`."""
    return {
        event_type: tuple(one.key for one in group)
        for event_type, group in counts.items()
        if all(one.per is None and not one.where for one in group)
    }


def _lookouts(streaks: tuple[PlannedRule, ...], lapses: tuple[PlannedRule, ...]) -> tuple[Lookout, ...]:
    """The rules that look at days, by which days they look at."""
    seen = dict.fromkeys((rule.by_habit, rule.habits) for rule in (*streaks, *lapses))
    return tuple(
        Lookout(
            by_habit=by_habit,
            habits=habits,
            streaks=tuple(rule for rule in streaks if (rule.by_habit, rule.habits) == (by_habit, habits)),
            lapses=tuple(rule for rule in lapses if (rule.by_habit, rule.habits) == (by_habit, habits)),
        )
        for by_habit, habits in seen
    )


def _signatures(
    rules: Iterable[Rule], kind: type[Any], always: tuple[str, ...] = ()
) -> dict[str, tuple[Signature, ...]]:
    """The counters by event type, each with its rules; those of `always` also without one."""
    asked: dict[_Asked, list[PlannedRule]] = {}
    for event_type in always:
        is_course = event_type == COURSE
        asked[event_type, "course_id" if is_course else None, (), "percent" if is_course else None, False] = []
    for rule in rules:
        when: Any = rule.when
        if isinstance(when, kind):
            where = tuple((name, frozenset(map(as_text, values))) for name, values in sorted(rule.where.items()))
            planned = _planned(rule, rule)
            what = (when.event_type, when.per, where, getattr(when, "of", None), planned.falls)
            asked.setdefault(what, []).append(planned)
    found: dict[str, tuple[Signature, ...]] = {}
    for (event_type, per, where, of, falls), looking in asked.items():
        signature = Signature(
            key=_key(kind.kind, (event_type, per, where, of, falls)),
            per=per,
            where=where,
            of=of,
            falls=falls,
            rules=tuple(looking),
            edges=tuple(sorted({threshold for rule in looking for threshold in rule.thresholds})),
            steps=tuple({rule.every for rule in looking if rule.every}),
        )
        found[event_type] = (*found.get(event_type, ()), signature)
    return found


def _key(kind: str, what: _Asked) -> str:
    event_type, per, where, of, falls = what
    if of in {None, "percent"} and not falls and (event_type, per, where) in _SHORT:
        return _SHORT[event_type, per, where]
    named = [event_type, per, [[name, sorted(values)] for name, values in where], of]
    canonical = msgspec.json.encode(named if kind in {"count", "percent"} else [*named, kind, falls])
    return blake2b(canonical, digest_size=6).hexdigest()


def _planned(rule: Rule, looks_at: Rule) -> PlannedRule:
    """A rule; what it looks at is its own or, for a lapse, that of the streak that may break."""
    when: Any = rule.when
    target: Any = looks_at.when
    is_streak = isinstance(target, StreakWhen)
    habits = looks_at.where.get("habit_id") if is_streak else None
    falls, thresholds = _thresholds(when)
    return PlannedRule(
        id=rule.id,
        kind=when.kind,
        event_type=when.event_type,
        tier=rule.tier,
        name=rule.name or rule.id.replace("-", " ").capitalize(),
        moment=rule.moment,
        thresholds=thresholds,
        slot_keys=tuple(f"{rule.id}{SEPARATOR}{threshold}" for threshold in thresholds),
        every=when.every if isinstance(when, CountWhen | SumWhen) else None,
        habits=None if habits is None else frozenset(map(as_text, habits)),
        by_habit=is_streak and target.per is not None,
        per_streak=rule.repeat == "per-streak" or isinstance(when, LapseWhen),
        settle_ms=0 if rule.settle is None else round(rule.settle.total_seconds() * 1000),
        effective_from=None if rule.effective_from is None else day_number(rule.effective_from),
        audience=_audience(rule),
        falls=falls,
        min_days=when.min_days if isinstance(when, LapseWhen) else 0,
        dates=_dates(when) if isinstance(when, DateWhen) else None,
    )


def _thresholds(when: Any) -> tuple[bool, tuple[Number, ...]]:
    """Whether thresholds are reached downwards, and what they are, ascending."""
    if isinstance(when, StreakWhen):
        return False, when.days
    falls_to = getattr(when, "falls_to", None)
    if falls_to:
        return True, tuple(sorted(whole(-threshold) for threshold in falls_to))
    return False, tuple(whole(threshold) for threshold in getattr(when, "reaches", None) or ())


def _audience(rule: Rule) -> Audience | None:
    clients = rule.clients
    if clients is None:
        return None
    return Audience(
        share=clients.share,
        tags=None if clients.tags is None else frozenset(clients.tags),
        ids=None if clients.ids is None else frozenset(clients.ids),
    )


def _dates(when: DateWhen) -> Dates:
    offsets = (*(when.days_after or ()), *(-days for days in when.days_before or ()))
    return Dates(field=when.date, offsets=offsets, at_minutes=minutes_of(when.at))
