"""Calendly: signed hooks of invitees and of their no-shows, to findings.

A hook names what happened and holds the whole invitee. Calendly does not move a booking: a reschedule cancels one
invitee (`rescheduled: true`) and creates another (`old_invitee`), with another address at every link of the chain.
The pair is one session that was moved: the half that creates says so, the half that cancels says nothing. Under which
id the chain is told is looked up in `agents.intake.aliases`, between reading and translating.

That a session took place is never said. A no-show that is taken back is `session.attended`, which gives back what the
no-show took and completes nothing by itself.

Pure: no request, no database, no clock; the time of hearing is handed in.
Source: Calendly's developer pages "Webhook signatures", "Webhook payload" and "Webhook payloads for rescheduled
events".
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.vendor_json import fault_of
from agents.signature_fit import fits_one
from schemas.event import BookingData, Moment, SessionData
from schemas.text import TEXT_MAX_CHARS
from schemas.zones import ZONES

_TOLERANCE_MS = 5 * 60 * 1000
_STAMP_MAX_CHARS = 12
_TYPES = {
    "invitee.created": "session.booked",
    "invitee.canceled": "session.canceled",
    "invitee_no_show.created": "session.no_show",
    "invitee_no_show.deleted": "session.attended",
}
_INVITEE = re.compile(r".{1,256}/invitees/([A-Za-z0-9_-]{1,128})")
_NO_SHOW = re.compile(r".{1,256}/([A-Za-z0-9_-]{1,128})")


class _Meeting(Struct, frozen=True, kw_only=True):
    """The scheduled event that the invitee is invited to."""

    start_time: Moment
    end_time: Moment
    name: str | None = None


class _Cancellation(Struct, frozen=True, kw_only=True):
    created_at: Moment | None = None


class _NoShow(Struct, frozen=True, kw_only=True):
    uri: str | None = None
    created_at: Moment | None = None


class _Invitee(Struct, frozen=True, kw_only=True):
    """The fields of an invitee that decide or that describe the client."""

    uri: str
    created_at: Moment | None = None
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    timezone: str | None = None
    rescheduled: bool | None = None
    old_invitee: str | None = None
    new_invitee: str | None = None
    scheduled_event: _Meeting | None = None
    cancellation: _Cancellation | None = None
    no_show: _NoShow | None = None


class _Envelope(Struct, frozen=True, kw_only=True):
    event: str
    created_at: Moment
    payload: Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a hook says, all but the id of the session.

    Attributes:
        event: one of the four names that are translated.
        sent_at: when Calendly saw it happen.
        booking: the invitee's own id, `calendly:UUID`.
        chain: this booking and those that it follows or that follow it, the oldest first.
        invitee: as it was sent.
    """

    event: str
    sent_at: datetime
    booking: str
    chain: tuple[str, ...]
    invitee: _Invitee


def is_signed(body: bytes, header: str, keys: Sequence[str], now_ms: int) -> bool:
    """Whether one of the keys signed the raw body lately (`Calendly-Webhook-Signature: t=…,v1=…`).

    `now_ms` is the machine's clock in milliseconds since the epoch. A stamp more than five minutes away from it and a
    header of any other form are no signature; of several `v1` one has to fit. Every key is tried against every one of
    them, so that the time taken does not tell which fits.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t" and _is_number(value)]
    stamp = stamps[0] if len(stamps) == 1 else ""
    signed = f"{stamp}.".encode() + body
    fitting = [hmac.new(key.encode(), signed, sha256).hexdigest() for key in keys]
    fits = [fits_one(value, fitting) for name, _, value in parts if name == "v1"]
    return any(fits) and stamp != "" and abs(now_ms - int(stamp) * 1000) <= _TOLERANCE_MS


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _STAMP_MAX_CHARS


def read_notice(body: bytes) -> Notice | Ignored:
    """What the hook is about, so that its session can be looked up."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        if envelope.event not in _TYPES:
            return Ignored(reason="unknown_action", detail="the event is none of an invitee or of a no-show")
        invitee = msgspec.json.decode(envelope.payload, type=_Invitee)
    except msgspec.ValidationError as error:
        return Ignored(reason="wrong_data", detail=str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Ignored(reason="not_json", detail=f"the body must be a JSON object: {fault_of(error)}")
    links = (invitee.old_invitee, invitee.uri, invitee.new_invitee)
    found = [_INVITEE.fullmatch(link) for link in links if link is not None]
    if not all(found):
        return Ignored(reason="wrong_data", detail="uri, old_invitee and new_invitee must end in /invitees/UUID")
    chain = tuple(dict.fromkeys(f"calendly:{match[1]}" for match in found if match))
    own = invitee.uri.rpartition("/")[2]
    return Notice(
        event=envelope.event, sent_at=envelope.created_at, booking=f"calendly:{own}", chain=chain, invitee=invitee
    )


def translate(notice: Notice, session_id: str, given_up: Sequence[str], heard_at: datetime) -> Finding | Ignored:
    """What the hook means for the session that its booking is of.

    `given_up` are ids under which a part of that session may have been told: sessions that are none, and are cancelled.
    """
    invitee = notice.invitee
    if not invitee.email or "@" not in invitee.email:
        return Ignored(reason="no_client", detail="the invitee has no e-mail address")
    try:
        happenings = (*_said(notice, session_id, heard_at), *_taken_back(notice, given_up, heard_at))
    except ValueError as error:
        return Ignored(reason="wrong_data", detail=str(error))
    return Finding(person=Person(email=invitee.email), facts=_facts(invitee), happenings=happenings)


def _said(notice: Notice, session_id: str, heard_at: datetime) -> Iterator[Happening]:
    """The one thing that the hook says; nothing, if it is the half of a reschedule that cancels."""
    invitee, type_ = notice.invitee, _TYPES[notice.event]
    if type_ == "session.canceled" and invitee.rescheduled:
        return
    if type_ == "session.booked" and invitee.old_invitee:
        type_ = "session.rescheduled"
    event_id = f"{notice.booking}:{type_.removeprefix('session.')}{_mark_of_no_show(notice)}"
    data = _data(notice, session_id)
    yield Happening(id=event_id, type=type_, occurred_at=_occurred_at(notice, heard_at), data=data)


def _taken_back(notice: Notice, given_up: Sequence[str], heard_at: datetime) -> Iterator[Happening]:
    for lost in given_up:
        yield Happening(
            id=f"{lost}:superseded",
            type="session.canceled",
            occurred_at=_occurred_at(notice, heard_at),
            data=SessionData(session_id=lost),
        )


def _mark_of_no_show(notice: Notice) -> str:
    """What tells one mark of a no-show from the next, and its removal from the next one; empty for the rest."""
    if not notice.event.startswith("invitee_no_show."):
        return ""
    no_show = notice.invitee.no_show
    found = _NO_SHOW.fullmatch(no_show.uri) if no_show and no_show.uri else None
    return f":{found[1]}" if found and notice.event.endswith(".created") else f":{notice.sent_at.isoformat()}"


def _occurred_at(notice: Notice, heard_at: datetime) -> datetime:
    """When it happened, as exactly as the hook knows, and never after it was heard."""
    invitee = notice.invitee
    at: datetime | None = None
    if notice.event == "invitee.created":
        at = invitee.created_at
    elif notice.event == "invitee.canceled" and invitee.cancellation:
        at = invitee.cancellation.created_at
    elif notice.event == "invitee_no_show.created" and invitee.no_show:
        at = invitee.no_show.created_at
    return min(at or notice.sent_at, heard_at)


def _data(notice: Notice, session_id: str) -> SessionData:
    """The session's data.

    Raises:
        ValueError: a booking that says not when, or ends before it starts.
    """
    invitee = notice.invitee
    meeting = invitee.scheduled_event
    title = (meeting.name or "").strip()[:TEXT_MAX_CHARS] or None if meeting else None
    session: dict[str, Any] = {
        "session_id": session_id,
        "kind": title,
        "title": title,
        "timezone": invitee.timezone if invitee.timezone in ZONES else None,
    }
    if notice.event != "invitee.created":
        return SessionData(**session)
    if meeting is None:
        raise ValueError("scheduled_event must say when the booking is")
    return BookingData(**session, starts_at=meeting.start_time, ends_at=meeting.end_time)


def _facts(invitee: _Invitee) -> dict[str, Any]:
    """The profile; the number for text reminders is not taken, it was given for reminders."""
    parts = (invitee.first_name, invitee.last_name)
    name = (invitee.name or "").strip() or " ".join(part.strip() for part in parts if part)
    return {"name": name, "email": invitee.email, "timezone": invitee.timezone}
