"""Sessions: booked is not attended.

A booked session counts as completed at its end plus the hold-off, unless it is said to have
fallen through; an explicit completion counts at once; cancel and no-show take it back,
`session.attended` gives it back; a reschedule moves it. All that is said about one session
is ordered by event time: a cancel that overtakes its booking still cancels it.
"""

from msgspec.structs import replace

from schemas.event import BookingData
from streams.tracking import statements
from streams.tracking.bookings import Booking
from streams.tracking.instants import to_ms
from streams.tracking.plan import SESSION, Plan, counters_of
from streams.tracking.state import State
from streams.tracking.statements import BOOKED, stamp_of
from streams.tracking.tallies import Counted, Said, counted_by, pending_about, say, weigh_again


def session_key(session_id: str) -> bytes:
    """Under what a session is remembered."""
    return statements.key_of(SESSION, session_id)


def book(state: State, data: BookingData, plan: Plan, event_id: bytes, at: tuple[int, int], *, silent: bool) -> Counted:
    """The state after a session was put at a time; `at` are the event's time and the tracker's, in milliseconds.

    A session that counts because it is over, and is moved to a time that is over as well, goes on counting.
    """
    at_ms, now_ms = at
    key, ends_ms = session_key(data.session_id), to_ms(data.ends_at)
    booking = Booking(
        key=key,
        stamp=stamp_of(at_ms, BOOKED),
        ends_ms=ends_ms,
        due_ms=ends_ms + plan.hold_off_ms,
        session_id=data.session_id,
        kind=data.kind,
        program_id=data.program_id,
        title=data.title,
        silent=silent,
    )
    known = statements.about(state.statements, key)
    booked = replace(state, bookings={**state.bookings, event_id: booking})
    if booking.due_ms <= now_ms and any(each.kind == BOOKED for each in known):
        concluded = conclude(booked, event_id, plan, now_ms)
        if counted_by(state, key) is not None and counted_by(concluded.state, key) is not None:
            return Counted(replace(concluded.state, counts=state.counts))
    overtaken = any(each.stamp > booking.stamp for each in known)
    weighed = weigh_again(state, booked, key)
    return Counted(weighed.state, weighed.moves, adds=not overtaken)


def conclude(state: State, event_id: bytes, plan: Plan, now_ms: int) -> Counted:
    """The state after a booked session is over: it counts, unless something was said against it."""
    booking = state.bookings[event_id]
    over = replace(state, bookings={other: kept for other, kept in state.bookings.items() if other != event_id})
    counters = counters_of(plan, SESSION, _described(state, booking))
    said = Said(booking.key, event_id, booking.stamp, now_ms, counters, kind=BOOKED)
    known = _known_pattern(over, booking)
    said = said if known is None else replace(said, counters=known)
    return say(over, said, was_pending=pending_about(state, booking.key))


def _described(state: State, booking: Booking) -> Booking:
    """The booking that says what kind of session it is: the earliest about it."""
    same = (each for each in state.bookings.values() if each.key == booking.key)
    return min(same, key=lambda each: each.stamp)


def _known_pattern(state: State, booking: Booking) -> tuple[str, ...] | None:
    """What an earlier booking of the session, over already, counts for."""
    same = [each for each in statements.about(state.statements, booking.key) if each.kind == BOOKED]
    earlier = [each for each in same if each.stamp < booking.stamp and each.pattern != statements.NO_PATTERN]
    return state.patterns[min(earlier, key=lambda each: each.stamp).pattern] if earlier else None
