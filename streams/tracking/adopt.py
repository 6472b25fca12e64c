"""Adopting: the state of a client under a rulebook that it has not been looked at with, or a new profile.

A new rule with a known signature starts from its count, and enters what is passed already in the
ledger without emitting; so does one whose thresholds or runs are others now. A new signature starts
here. Dates that lie behind are never made up, and a deadline that a changed profile moves into the
past does not fire.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from schemas.client import Profile
from streams.tracking.awards import Awards, Reached, Slot, reach
from streams.tracking.counts import passed, thresholds_between
from streams.tracking.dates import next_due_ms
from streams.tracking.days import Run, runs_of
from streams.tracking.lapses import Lapses
from streams.tracking.lookouts import breakable, looked_at, pending_lapses
from streams.tracking.plan import SEPARATOR, Plan, PlannedRule
from streams.tracking.profiles import tracked
from streams.tracking.state import PendingLapse, State
from streams.tracking.streaks import of_run


def begin(who: str, plan: Plan) -> State:
    """The state of a client of whom nothing is known yet."""
    return State(who=who, stamp=plan.stamp)


def adopt(state: State, plan: Plan, now_ms: int) -> State:
    """The state under a plan; the same if it was looked at with it already."""
    if state.stamp == plan.stamp:
        return state
    if state.erased_ms is not None:
        return replace(state, stamp=plan.stamp)
    awards = state.awards
    for slot, what in _passed(state, plan):
        awards, _ = reach(awards, slot, _nobody, what) if slot.key not in awards or what.run else (awards, ())
    known = replace(state, awards=awards, stamp=plan.stamp)
    awards, lapses = _passed_lapses(known, plan, now_ms)
    return _with_dates(replace(known, awards=awards, lapses=lapses), plan, now_ms)


def apply_profile(state: State | None, profile: Profile, who: str, plan: Plan, now_ms: int) -> State:
    """The state with the tracked bits of a profile; after an erasure it begins anew.

    `who` is `tenant/client`.
    """
    known = begin(who, plan) if state is None or state.erased_ms is not None else adopt(state, plan, now_ms)
    after = replace(known, profile=tracked(profile))
    lapses = {
        key: _still_due(pending, known.lapses.get(key, ()), now_ms)
        for key, pending in pending_lapses(after, plan).items()
    }
    return _with_dates(replace(after, lapses={key: left for key, left in lapses.items() if left}), plan, now_ms)


def _with_dates(state: State, plan: Plan, now_ms: int) -> State:
    """The state with the next date after now; what lies between the last tick and now has been seen to."""
    return replace(state, next_date_ms=next_due_ms(state.profile, plan, now_ms))


def _passed(state: State, plan: Plan) -> Iterator[tuple[Slot, Reached]]:
    """What counters, marks and runs have passed."""
    for counters in (state.counts, state.marks):
        for counter, number in counters.items():
            signature = plan.signatures.get(counter.partition(SEPARATOR)[0])
            if signature is not None:
                yield from ((slot, Reached(0)) for slot in passed(plan, signature, counter, number))
    for rule in plan.streaks:
        for per, days in looked_at(state, rule):
            for run in runs_of(days):
                yield from ((Slot(rule, each, per), of_run(run)) for each in thresholds_between(rule, 0, run.length))


def _passed_lapses(state: State, plan: Plan, now_ms: int) -> tuple[Awards, Lapses]:
    """The ledger with the runs that were broken before their rule came, and what is still pending."""
    awards, lapses = state.awards, dict(pending_lapses(state, plan))
    for rule in plan.lapses:
        for per, _ in looked_at(state, rule):
            what = breakable(state, plan, rule, per)
            waiting = state.lapses.get(what.key, ())
            pending = lapses.pop(what.key, ())
            for one in pending:
                if one.due_ms <= now_ms and one not in waiting:
                    run = Run(one.first, one.last, one.length, one.last)
                    awards, _ = reach(awards, what.slot, _nobody, Reached(one.length, {}, run))
            if left := _still_due(pending, waiting, now_ms):
                lapses[what.key] = left
    return awards, lapses


def _still_due(
    pending: tuple[PendingLapse, ...], waiting: tuple[PendingLapse, ...], now_ms: int
) -> tuple[PendingLapse, ...]:
    """What has not passed unseen: it lies ahead, or was waited for already."""
    return tuple(one for one in pending if one.due_ms > now_ms or one in waiting)


def _nobody(_: PlannedRule) -> bool:
    return False
