"""Sessions: booked is not attended.

A booked session counts as completed at its end plus the hold-off, unless it is said to have
fallen through; an explicit completion counts at once; cancel and no-show take it back,
`session.attended` gives it back; a reschedule moves it. All that is said about one session
is ordered by event time, at the same instant by weight (booking, completion, cancel or
no-show, attended): a cancel that overtakes its booking still cancels it.
"""

from msgspec.structs import replace

from schemas.event import BookingData, SessionData
from streams.tracking import recent
from streams.tracking.bookings import Booking
from streams.tracking.instants import to_ms
from streams.tracking.plan import SESSION, Plan, counters_of
from streams.tracking.registers import COUNTED, INFERRED, Counted, Statement, count_key, standing, void_key
from streams.tracking.state import State

BOOKED, COMPLETED, FALLEN_THROUGH, ATTENDED = range(4)
"""The weights of what may be said about a session at the same instant."""


def session_key(session_id: str) -> bytes:
    """Under what a session is remembered."""
    return recent.key_of(SESSION, session_id)


def book(state: State, data: BookingData, plan: Plan, at: tuple[int, int], *, silent: bool) -> Counted | None:
    """The state after a session was put at a time; None if something later is known of it.

    `at` are the event's time and the tracker's, in milliseconds.
    """
    at_ms, now_ms = at
    key, stamp = session_key(data.session_id), recent.stamp_of(at_ms, BOOKED)
    entry, known = recent.find(state.registers, key), state.bookings.get(key)
    if (entry and entry.stamp >= stamp) or (known and known.stamp >= stamp):
        return None
    booking = _booking(data, stamp, plan, silent=silent)
    if standing(entry) != INFERRED:
        return Counted(_with_booking(state, key, booking))
    if booking.due_ms <= now_ms:
        return count_key(state, Statement(key, stamp, now_ms, standing=INFERRED))
    moved = void_key(state, Statement(key, stamp - 1, now_ms)) or Counted(state)
    return Counted(_with_booking(moved.state, key, booking), moved.moves)


def complete(state: State, data: SessionData, plan: Plan, at: tuple[int, int], weight: int) -> Counted | None:
    """The state after a session is said to have taken place (COMPLETED or ATTENDED)."""
    at_ms, now_ms = at
    counters = counters_of(plan.counts, SESSION, data)
    stamp = recent.stamp_of(at_ms, weight)
    key = session_key(data.session_id)
    counted = count_key(state, Statement(key, stamp, now_ms, counters, restores=weight == ATTENDED))
    return counted and Counted(_without_booking(counted.state, key, stamp), counted.moves)


def fall_through(state: State, data: SessionData, at: tuple[int, int]) -> Counted | None:
    """The state after a session is said not to have taken place."""
    at_ms, now_ms = at
    stamp = recent.stamp_of(at_ms, FALLEN_THROUGH)
    key = session_key(data.session_id)
    voided = void_key(state, Statement(key, stamp, now_ms))
    return voided and Counted(_without_booking(voided.state, key, stamp), voided.moves)


def conclude(state: State, key: bytes, plan: Plan, now_ms: int) -> Counted:
    """The state after a booked session is over and nobody has said anything against it."""
    booking = state.bookings[key]
    over = replace(state, bookings={other: kept for other, kept in state.bookings.items() if other != key})
    if standing(recent.find(state.registers, key)) == COUNTED:
        return Counted(over)
    counters = counters_of(plan.counts, SESSION, booking)
    said = Statement(key, booking.stamp, now_ms, counters, standing=INFERRED)
    return count_key(over, said) or Counted(over)


def _booking(data: BookingData, stamp: int, plan: Plan, *, silent: bool) -> Booking:
    ends_ms = to_ms(data.ends_at)
    return Booking(
        stamp=stamp,
        ends_ms=ends_ms,
        due_ms=ends_ms + plan.hold_off_ms,
        session_id=data.session_id,
        kind=data.kind,
        program_id=data.program_id,
        title=data.title,
        silent=silent,
    )


def _with_booking(state: State, key: bytes, booking: Booking) -> State:
    return replace(state, bookings={**state.bookings, key: booking})


def _without_booking(state: State, key: bytes, stamp: int) -> State:
    """The state without a session's booking, if that is older than what was said now."""
    booking = state.bookings.get(key)
    if booking is None or booking.stamp > stamp:
        return state
    return replace(state, bookings={other: kept for other, kept in state.bookings.items() if other != key})
