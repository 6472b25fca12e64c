"""Counting: what any event adds to the counters and sums of its type, once per business key."""

from collections.abc import Mapping
from types import MappingProxyType

from streams.tracking.effects import Effect, Happening, settle
from streams.tracking.plan import Number, field_of
from streams.tracking.state import State
from streams.tracking.statements import COMPLETED, key_of, stamp_of
from streams.tracking.tallies import Said, say

BUSINESS_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "session.booked": ("session_id",),
    "purchase.completed": ("order_id",),
    "lesson.completed": ("course_id", "lesson_id"),
    "program.enrolled": ("program_id",),
    "program.completed": ("program_id",),
})  # fmt: skip
"""What a completion is of: two events of one type about the same thing count once."""


def count_event(state: State, what: Happening) -> Effect | None:
    """The effect of an event that counts; None if nothing asks for it."""
    counters, amounts = _asked_for(what)
    if not counters:
        return None
    event = what.event
    names = BUSINESS_KEYS.get(event.type)
    if names is None:
        key = key_of("id", event.id)
    else:
        key = key_of(event.type, "\x1f".join(field_of(event.data, name) for name in names))
    stamp = stamp_of(what.at_ms, COMPLETED)
    said = Said(key, what.id, stamp, what.now_ms, counters, amounts=amounts)
    return settle(say(state, said), what)


def _asked_for(what: Happening) -> tuple[tuple[str, ...], tuple[Number, ...]]:
    """The counters that an event belongs to, and what it moves each by; no amounts if all move by one."""
    event, plan = what.event, what.plan
    counters = [
        counter
        for signature in plan.counts.get(event.type, ())
        if (counter := signature.counter(event.data)) is not None
    ]
    amounts: list[Number] = [1] * len(counters)
    for signature in plan.sums.get(event.type, ()):
        counter, amount = signature.counter(event.data), signature.amount(event.data)
        if counter is not None and amount is not None:
            counters.append(counter)
            amounts.append(amount)
    return tuple(counters), tuple(amounts) if event.type in plan.sums else ()
