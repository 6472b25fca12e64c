"""Tick: what time alone does to a client, in the order in which it falls due.

In this version that is one thing: a booked session that is over counts as completed, unless
somebody said that it fell through.
"""

from typing import NamedTuple

from schemas.milestone import Milestone
from streams.tracking.announce import Cause, announce
from streams.tracking.effects import settle
from streams.tracking.instants import to_datetime
from streams.tracking.plan import Plan
from streams.tracking.sessions import conclude
from streams.tracking.state import State


class Ticked(NamedTuple):
    """What passing time did."""

    state: State
    milestones: tuple[Milestone, ...]


def next_deadline(state: State) -> int | None:
    """When `tick` has something to do next, in milliseconds since 1970; None for never."""
    if not state.bookings:
        return None
    return min((booking.due_ms for booking in state.bookings.values()), default=None)


def tick(state: State, plan: Plan, now_ms: int) -> Ticked:
    """The state after everything that is due by `now_ms`, and the milestones of it, in due order."""
    due = sorted((b.due_ms, key) for key, b in state.bookings.items() if b.due_ms <= now_ms)
    tenant, _, client = state.who.partition("/")
    milestones: tuple[Milestone, ...] = ()
    for _, key in due:
        booking = state.bookings[key]
        effect = settle(conclude(state, key, plan, now_ms), plan, silent=booking.silent)
        state = effect.state
        ends_at = to_datetime(booking.ends_ms)
        cause = Cause(tenant, client, ends_at, None, booking, inferred=True)
        milestones += announce(effect.verdicts, state, plan, cause)
    return Ticked(state, milestones)
