"""Advance: one event, one client, one rulebook: the state after it and what was reached.

Pure, synchronous and total: the service, the replay command and the tests run this function
and `tick` and no other path decides anything. `now` is the tracker's clock (an event's
append time); the decision itself goes by event time.

Every event has an outcome, and none is lost without one:

- `applied`: it changed the state;
- `late`: the same, though it happened longer ago than the grace;
- `duplicate`: it, or something later about the same thing, is known already;
- `unused`: valid, but no rule of this rulebook asks for it, or this version does not decide
  its type yet (`streak.paused`, `streak.repaired`, `event.retracted`, refunds, memberships
  beyond counting them), or the client was erased;
- `refused`: it goes to the dead letters with `refusal`.
"""

from typing import Literal

from msgspec import Struct

from schemas.event import Event
from schemas.milestone import Milestone
from schemas.refusal import Refused
from streams.tracking import recent
from streams.tracking.announce import Cause, announce
from streams.tracking.effects import (
    COUNTED_BY_HANDLER,
    HANDLERS,
    ONCE_BY_ID,
    Effect,
    Happening,
    count_once,
    raise_marks,
)
from streams.tracking.instants import to_ms
from streams.tracking.plan import Plan, counters_of
from streams.tracking.registers import see
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


def advance(state: State | None, event: Event, plan: Plan, now_ms: int) -> Advanced:
    """The state after an event, the milestones that it reached or withdrew, and its outcome.

    `state` is None for a client of whom nothing is known; `now_ms` is the tracker's clock in
    milliseconds since 1970.
    """
    known = State(who=f"{event.tenant}/{event.client}") if state is None else state
    what = Happening(event, plan, to_ms(event.occurred_at), now_ms)
    if what.at_ms > now_ms + MAX_AHEAD_MS:
        early = Refused("time_in_future", "time lies more than 24 h after the moment of arrival")
        return Advanced(known, (), "refused", early)
    if known.erased_ms is not None:
        return Advanced(known, (), "unused")
    try:
        effect, is_asked_for = _apply(known, what)
    except Refused as refusal:
        return Advanced(known, (), "refused", refusal)
    if effect is None:
        return Advanced(known, (), "duplicate" if is_asked_for else "unused")
    milestones: tuple[Milestone, ...] = ()
    if effect.verdicts:
        cause = Cause(event.tenant, event.client, event.occurred_at, event.id, event.data)
        milestones = announce(effect.verdicts, effect.state, plan, cause)
    outcome: Outcome = "late" if what.at_ms < now_ms - plan.grace_ms else "applied"
    return Advanced(effect.state, milestones, outcome)


def _apply(state: State, what: Happening) -> tuple[Effect | None, bool]:
    """The effect of an event, and whether anything asks for events of its kind."""
    event, plan = what.event, what.plan
    handler = HANDLERS.get(event.type)
    counters = () if event.type in COUNTED_BY_HANDLER else counters_of(plan.counts, event.type, event.data)
    marks = event.type in plan.percents
    if not (handler or counters or marks):
        return None, False
    once = bool(counters) or event.type in ONCE_BY_ID
    key = recent.key_of("id", event.id) if once else b""
    if once and recent.is_marked(state.seen, key):
        return None, True
    effect = handler(state, what) if handler else None
    if marks:
        effect = _then(effect, raise_marks(effect.state if effect else state, what))
    if counters:
        effect = _then(effect, count_once(effect.state if effect else state, what, counters))
    if effect and once:
        effect = Effect(see(effect.state, key, what.now_ms), effect.verdicts)
    return effect, True


def _then(first: Effect | None, second: Effect | None) -> Effect | None:
    if first is None or second is None:
        return first or second
    return Effect(second.state, first.verdicts + second.verdicts)
