"""Advance: one event, one client, one rulebook: the state after it and what was reached.

Pure, synchronous and total: the service, the replay command and the tests run this function
and `tick` and no other path decides anything. `now` is the tracker's clock (an event's
append time); the decision itself goes by event time.

Every event has an outcome, and none is lost without one:

- `applied`: it changed the state;
- `late`: the same, though it happened longer ago than the grace;
- `duplicate`: it, or something later about the same thing, is known already;
- `unused`: valid, but no rule of this rulebook asks for it, or the client was erased;
- `refused`: it goes to the dead letters with `refusal`.
"""

from typing import Literal

from msgspec import Struct

from schemas.event import Event
from schemas.milestone import Milestone
from schemas.refusal import Refused
from streams.tracking import statements
from streams.tracking.adopt import adopt, begin
from streams.tracking.announce import Cause, announce
from streams.tracking.counting import count_event
from streams.tracking.effects import (
    HANDLERS,
    PURCHASED,
    REFUNDED,
    STATED,
    Effect,
    Happening,
    raise_marks,
)
from streams.tracking.plan import Plan
from streams.tracking.retract import is_barred
from streams.tracking.state import State

Outcome = Literal["applied", "late", "duplicate", "unused", "refused"]

MAX_AHEAD_MS = 24 * 3_600_000
"""An event from further in the future comes from a broken clock."""


class Advanced(Struct, frozen=True, gc=False):
    """What an event did."""

    state: State
    milestones: tuple[Milestone, ...]
    outcome: Outcome
    refusal: Refused | None = None


def advance(state: State | None, event: Event, plan: Plan, now_ms: int, heard_ms: int | None = None) -> Advanced:
    """The state after an event, the milestones that it reached or withdrew, and its outcome.

    `state` is None for a client of whom nothing is known; `now_ms` is the tracker's clock in
    milliseconds since 1970, which may have run ahead of `heard_ms`, when the event arrived: then no
    clock but the broker's decides what comes from too far in the future. The state is looked at with
    the plan first, if it was not before.
    """
    if state is None:
        known = begin(f"{event.tenant}/{event.client}", plan)
    else:
        known = state if state.stamp == plan.stamp else adopt(state, plan, now_ms)
    at_ms = round(event.occurred_at.timestamp() * 1000)
    if at_ms > (now_ms if heard_ms is None else heard_ms) + MAX_AHEAD_MS:
        early = Refused("time_in_future", "time lies more than 24 h after the moment of arrival")
        return Advanced(known, (), "refused", early)
    if known.erased_ms is not None:
        return Advanced(known, (), "unused")
    what = Happening(event, known, plan, statements.id_of(event.id), at_ms, now_ms)
    try:
        effect, is_asked_for = _apply(known, what)
    except Refused as refusal:
        return Advanced(known, (), "refused", refusal)
    if effect is None:
        return Advanced(known, (), "duplicate" if is_asked_for else "unused")
    outcome: Outcome = "late" if at_ms < now_ms - plan.grace_ms else "applied"
    if not effect.adds:
        outcome = "duplicate"
    if not effect.verdicts:
        return Advanced(effect.state, (), outcome)
    cause = Cause(event.occurred_at, event.id, event.data)
    told = announce(effect.verdicts, effect.state, plan, cause, now_ms)
    return Advanced(told.state, told.milestones, outcome)


def _apply(state: State, what: Happening) -> tuple[Effect | None, bool]:
    """The effect of an event, and whether anything asks for events of its kind."""
    event_type, plan = what.event.type, what.plan
    handler = HANDLERS.get(event_type)
    if event_type == REFUNDED and PURCHASED not in plan.sums:
        handler = None
    is_counted, is_marked = event_type in plan.counted_types, event_type in plan.marked_types
    if not (handler or is_counted or is_marked):
        return None, False
    if state.barred and is_barred(state, what.id, what.now_ms):
        return None, True
    if (is_counted or event_type in STATED) and statements.is_by(state.statements, what.id):
        return None, True
    effect = handler(state, what) if handler else None
    if is_marked:
        effect = _then(effect, raise_marks(effect.state if effect else state, what))
    if is_counted:
        effect = _then(effect, count_event(effect.state if effect else state, what))
    return effect, True


def _then(first: Effect | None, second: Effect | None) -> Effect | None:
    if first is None or second is None:
        return first or second
    return Effect(second.state, first.verdicts + second.verdicts, first.adds or second.adds)
