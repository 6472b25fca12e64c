"""Tick: what time alone does to a client, in the order in which it falls due.

A booked session that is over counts, a run that ended is broken, a date has come, a milestone has
waited long enough. At the same instant sessions come first, then lapses, dates and what has settled.
"""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.milestone import Milestone
from streams.tracking.adopt import adopt
from streams.tracking.announce import Cause, announce
from streams.tracking.awards import Awards, Reached, Slot, Verdict, reach
from streams.tracking.counts import settle_moves
from streams.tracking.dates import due_at, next_due_ms
from streams.tracking.hearing import Hearing
from streams.tracking.instants import to_datetime
from streams.tracking.lapses import break_run, without
from streams.tracking.plan import SEPARATOR, Plan
from streams.tracking.sessions import conclude
from streams.tracking.settling import Told, settle_due
from streams.tracking.state import ACTIVE, PendingLapse, State

_KEPT_DATES = 12


class Ticked(NamedTuple):
    """What passing time did."""

    state: State
    milestones: tuple[Milestone, ...]


def next_deadline(state: State) -> int | None:
    """When `tick` has something to do next, in milliseconds since 1970; None for never."""
    bookings, lapses, settling, date_ms = state.bookings, state.lapses, state.settling, state.next_date_ms
    if not (bookings or lapses or settling):
        return date_ms
    dues = [booking.due_ms for booking in bookings.values()]
    dues += [one.due_ms for pending in lapses.values() for one in pending]
    dues += [waiting.due_ms for waiting in settling.values()]
    return min(dues) if date_ms is None else min(date_ms, *dues)


def tick(state: State, plan: Plan, now_ms: int) -> Ticked:
    """The state after everything that is due by `now_ms`, and the milestones of it, in due order."""
    milestones: tuple[Milestone, ...] = ()
    while (due_ms := next_deadline(state)) is not None and due_ms <= now_ms:
        told = _fire(state, plan, due_ms)
        state = told.state
        milestones += told.milestones
    return Ticked(adopt(state, plan, now_ms), milestones)


def _fire(state: State, plan: Plan, due_ms: int) -> Told:
    """What one deadline does."""
    over = [(booking.stamp, event_id) for event_id, booking in state.bookings.items() if booking.due_ms == due_ms]
    if over:
        return _conclude(state, plan, min(over)[1], due_ms)
    broken = ((key, one) for key, pending in state.lapses.items() for one in pending if one.due_ms == due_ms)
    if (found := next(broken, None)) is not None:
        return _break(state, plan, *found)
    if state.next_date_ms == due_ms:
        return _come(state, plan, due_ms)
    return settle_due(state, next(name for name, one in state.settling.items() if one.due_ms == due_ms))


def _conclude(state: State, plan: Plan, event_id: bytes, due_ms: int) -> Told:
    """A booked session is over."""
    booking = state.bookings[event_id]
    counted = conclude(state, event_id, plan, due_ms)
    ends_at = to_datetime(booking.ends_ms)
    hearing = Hearing(state, plan, ends_at, booking.silent)
    awards, verdicts = settle_moves(counted.state.awards, plan, counted.moves, hearing.hears)
    cause = Cause(ends_at, None, booking, inferred=True)
    return announce(verdicts, replace(counted.state, awards=awards), plan, cause, due_ms)


def _break(state: State, plan: Plan, key: str, pending: PendingLapse) -> Told:
    """A run that ended was not mended in time; of a rule that is gone, nothing is said."""
    left = replace(state, lapses=without(state.lapses, key, pending))
    rule_id, _, per = key.partition(SEPARATOR)
    rule = next((rule for rule in plan.lapses if rule.id == rule_id), None)
    if rule is None:
        return Told(left)
    hearing = _hearing(state, plan, pending.due_ms, silent=pending.silent)
    awards, verdicts = break_run(state.awards, Slot(rule, None, per), pending, hearing.hears)
    cause = Cause(hearing.at, None, {"habit_id": per} if per else {})
    return announce(verdicts, replace(left, awards=awards), plan, cause, pending.due_ms)


def _come(state: State, plan: Plan, due_ms: int) -> Told:
    """Dates have come; the same one comes once, whatever the profile says since."""
    hearing = _hearing(state, plan, due_ms, silent=False)
    awards = state.awards
    verdicts: tuple[Verdict, ...] = ()
    for due in due_at(state.profile, plan, due_ms):
        slot = Slot(due.rule, None, due.occurrence)
        if slot.key not in awards:
            details = {"date_of": due.field, "date_on": due.date_on, "years" if due.is_yearly else "days": due.value}
            awards, found = reach(awards, slot, hearing.hears, Reached(due.value, details))
            awards = _without_old_dates(awards, slot)
            verdicts += found
    following = next_due_ms(state.profile, plan, due_ms)
    after = replace(state, awards=awards, next_date_ms=following)
    return announce(verdicts, after, plan, Cause(hearing.at, None, {}), due_ms)


def _hearing(state: State, plan: Plan, due_ms: int, *, silent: bool) -> Hearing:
    """Who hears of what time alone does: nobody of a client who is not active."""
    is_active = state.profile is None or state.profile.status == ACTIVE
    return Hearing(state, plan, to_datetime(due_ms), silent or not is_active)


def _without_old_dates(awards: Awards, latest: Slot) -> Awards:
    """The ledger without all but the latest dates of a rule."""
    family = f"{latest.rule.id}{SEPARATOR}{SEPARATOR}"
    old = sorted((key for key in awards if key.startswith(family)), key=_as_date)[:-_KEPT_DATES]
    return {key: held for key, held in awards.items() if key not in old} if old else awards


def _as_date(key: str) -> str:
    return key.rpartition(SEPARATOR)[2]
