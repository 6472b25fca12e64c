"""What the tracker knows about a client, as plain data: one small function for each part of a state.

It must never show what a state does not hold, nor decide anything. A part of the state that is
new gets a function and a place in `PARTS`; a part that a state does not have is left out.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agents.award_view import awards_of, settling_of
from agents.counter_view import counts_of, marks_of, sums_of, values_of
from agents.stored_state import StoredState
from agents.streak_view import habits_of, lapses_of, pauses_of
from agents.viewpoint import Viewpoint
from streams.tracking import statements
from streams.tracking.bookings import Booking
from streams.tracking.dates import due_at
from streams.tracking.instants import to_datetime, to_ms
from streams.tracking.local_days import iso
from streams.tracking.state import State
from streams.tracking.statements import BOOKED, NO_PATTERN, Statement
from streams.tracking.tallies import counted_by


def erased_of(state: State, _view: Viewpoint) -> datetime | None:
    """When the client was erased; then nothing else is held."""
    return None if state.erased_ms is None else to_datetime(state.erased_ms)


def rulebook_of(state: State, view: Viewpoint) -> dict[str, Any]:
    """The stamp of the rulebook that the state was last looked at with, beside that of the given one.

    A stamp is the beginning of a digest, which `cairn rules check` prints.
    """
    return {
        "stamp": None if state.stamp is None else state.stamp.hex(),
        "given": view.rulebook,
        "given_version": view.plan.version,
        "given_stamp": view.plan.stamp.hex(),
        "is_given": state.stamp == view.plan.stamp,
    }


def profile_of(state: State, _view: Viewpoint) -> dict[str, Any] | None:
    """The tracked bits of the profile that are set."""
    if state.profile is None:
        return None
    profile = {name: getattr(state.profile, name) for name in state.profile.__struct_fields__}
    profile["status"] = state.profile.status or "active"
    days = {name: iso(profile[name]) for name in ("joined_on", "renewal_on") if profile.get(name) is not None}
    minutes = profile.pop("day_starts_minutes", None)
    starts = {} if minutes is None else {"day_starts_at": f"{minutes // 60:02}:{minutes % 60:02}"}
    return {name: value for name, value in {**profile, **days, **starts}.items() if value not in (None, ())}


def bookings_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """Sessions that are not over yet, the next first; of one that was moved, where it is now."""
    latest: dict[bytes, Booking] = {}
    for booking in sorted(state.bookings.values(), key=lambda booking: booking.stamp):
        latest[booking.key] = booking
    return [
        {
            "session": booking.session_id,
            "kind": booking.kind,
            "standing": _standing(state, booking),
            "ends_at": to_datetime(booking.ends_ms),
            "counts_at": to_datetime(booking.due_ms),
            "silent": booking.silent,
        }
        for booking in sorted(latest.values(), key=lambda booking: booking.due_ms)
    ]


def _standing(state: State, booking: Booking) -> str:
    """What a booked session comes to when it is over, by what is said about it so far."""
    if counted_by(state, booking.key) is not None:
        return "counted"
    over = Statement(booking.key, b"", BOOKED, NO_PATTERN, booking.stamp)
    said = [*statements.about(state.statements, booking.key), over]
    return "fallen through" if statements.prevailing(said) is None else "expected"


def next_date_of(state: State, view: Viewpoint) -> dict[str, Any] | None:
    """When the next date of the profile is due, and for which rules of the given rulebook."""
    if state.next_date_ms is None:
        return None
    dues = due_at(state.profile, view.plan, state.next_date_ms)
    return {"due_at": to_datetime(state.next_date_ms), "rules": [due.rule.id for due in dues]}


def barred_of(state: State, view: Viewpoint) -> int:
    """How many events were taken back and would be refused if they came (again)."""
    now_ms = to_ms(view.now)
    return sum(until_ms > now_ms for until_ms in state.barred.values())


PARTS: Mapping[str, Callable[[State, Viewpoint], Any]] = {
    "erased_at": erased_of,
    "rulebook": rulebook_of,
    "profile": profile_of,
    "counts": counts_of,
    "sums": sums_of,
    "marks": marks_of,
    "values": values_of,
    "habits": habits_of,
    "pauses": pauses_of,
    "lapses": lapses_of,
    "awards": awards_of,
    "settling": settling_of,
    "bookings": bookings_of,
    "next_date": next_date_of,
    "barred_ids": barred_of,
}
"""The parts of a state, in the order in which they are shown."""


def view_state(stored: StoredState, view: Viewpoint) -> dict[str, Any]:
    """All of it; parts that hold nothing are left out."""
    parts = {name: part(stored.state, view) for name, part in PARTS.items()}
    deadline = None if stored.deadline_ms is None else to_datetime(stored.deadline_ms)
    return {
        "who": stored.state.who,
        "as_of": view.now.astimezone(UTC),
        "zone": view.zone(stored.state),
        **{name: part for name, part in parts.items() if part},
        "next_deadline": deadline,
        "applied_offsets": stored.applied,
        "bytes": stored.size_bytes,
    }
