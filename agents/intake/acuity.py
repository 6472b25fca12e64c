"""Acuity Scheduling: a signed, thin hook and the appointment that it points to, to findings.

A hook names an appointment and says nothing of its state, and a late `scheduled` looks like
an early one. So the appointment is fetched, and its fetched state decides: cancelled, not
shown up, labelled as completed, or booked. The hook's action is asked for one thing that no
state tells, whether a live appointment was moved.

Pure: no request is made here, and the time of hearing is handed in.
Source: Acuity's developer pages "Webhooks" and "GET /appointments/:id".
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from typing import Annotated, Any
from urllib.parse import parse_qs

from msgspec import Meta, Struct, ValidationError, convert
from msgspec import field as wire_name

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.signature_fit import fits_one
from schemas.event import BookingData, SessionData
from schemas.tenant import AcuitySource
from schemas.text import TEXT_MAX_CHARS
from schemas.zones import ZONES

_ACTIONS = frozenset({"scheduled", "rescheduled", "canceled", "changed"})
_LONGEST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a hook says: something happened to this appointment."""

    action: str
    appointment_id: int


class _Label(Struct, frozen=True):
    name: str = ""


class _Appointment(Struct, frozen=True, kw_only=True):
    """The fields of an appointment that decide or that describe the client.

    Acuity writes some numbers as text (`"duration": "60"`), so conversion is lax.
    """

    id: int
    datetime: str
    duration: Annotated[int, Meta(ge=0, le=_LONGEST_MINUTES)]
    type: str | None = None
    first_name: str | None = wire_name(name="firstName", default=None)
    last_name: str | None = wire_name(name="lastName", default=None)
    email: str | None = None
    phone: str | None = None
    timezone: str | None = None
    datetime_created: str | None = wire_name(name="datetimeCreated", default=None)
    canceled: bool = False
    no_show: bool = wire_name(name="noShow", default=False)
    labels: tuple[_Label, ...] | None = None


def is_signed(body: bytes, signature: str, keys: Sequence[str]) -> bool:
    """Whether one of the API keys signed the raw body (`X-Acuity-Signature`).

    Every key is tried, so that the time taken does not tell which one fits.
    """
    return fits_one(signature, [b64encode(hmac.new(key.encode(), body, sha256).digest()) for key in keys])


def read_notice(body: bytes) -> Notice | Ignored:
    """The hook's form fields; dynamic hooks spell their actions `appointment.scheduled`."""
    try:
        form = parse_qs(body.decode(), max_num_fields=32)
        action = form.get("action", [""])[0].removeprefix("appointment.")
        text = form.get("id", [""])[0]
    except ValueError:
        return Ignored(reason="wrong_data", detail="the body is not a form in UTF-8")
    if action not in _ACTIONS:
        return Ignored(reason="unknown_action", detail="the action is none of an appointment")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - what a bigint holds
        return Ignored(reason="wrong_data", detail="id must be an appointment's number")
    return Notice(action=action, appointment_id=int(text))


def translate(
    source: AcuitySource, notice: Notice, fetched: Mapping[str, Any], heard_at: datetime
) -> Finding | Ignored:
    """What the fetched appointment means.

    `fetched` is the JSON object of `GET /api/v1/appointments/{id}`. `heard_at`, the domain time
    of the fetch, dates what has no time of its own: a newer fetch is a newer state.
    """
    try:
        appointment = convert(fetched, _Appointment, strict=False)
        happening = _happening(source, notice, appointment, heard_at)
    except ValidationError as error:
        return Ignored(reason="wrong_appointment", detail=str(error))
    except (ValueError, OverflowError):
        return Ignored(reason="wrong_appointment", detail="datetime must be as 2026-05-08T10:00:00-0400")
    person = _person(appointment)
    if person is None:
        return Ignored(reason="no_client", detail="the appointment has neither e-mail, name nor phone")
    return Finding(person=person, facts=_facts(appointment), happenings=(happening,))


def _happening(source: AcuitySource, notice: Notice, appointment: _Appointment, heard_at: datetime) -> Happening:
    starts_at = moment(appointment.datetime)
    ends_at = starts_at + timedelta(minutes=appointment.duration)
    title = (appointment.type or "").strip()[:TEXT_MAX_CHARS] or None
    session: dict[str, Any] = {
        "session_id": f"acuity:{source.account}:{appointment.id}",
        "kind": title,
        "title": title,
        "timezone": appointment.timezone if appointment.timezone in ZONES else None,
    }
    type_ = _type_of(source, notice, appointment)
    data = SessionData(**session)
    occurred_at = heard_at
    if type_ == "session.completed":
        occurred_at = min(ends_at, heard_at)
    elif type_ == "session.booked":
        occurred_at = min(_created_at(appointment) or heard_at, heard_at)
    if type_ in {"session.booked", "session.rescheduled"}:
        data = BookingData(**session, starts_at=starts_at, ends_at=ends_at)
    event_id = f"{session['session_id']}:{type_.removeprefix('session.')}:{_state_digest(appointment)}"
    return Happening(id=event_id, type=type_, occurred_at=occurred_at, data=data)


def _type_of(source: AcuitySource, notice: Notice, appointment: _Appointment) -> str:
    if appointment.canceled:
        return "session.no_show" if appointment.no_show else "session.canceled"
    if any(label.name in source.completed_labels for label in appointment.labels or ()):
        return "session.completed"
    return "session.rescheduled" if notice.action == "rescheduled" else "session.booked"


def _state_digest(appointment: _Appointment) -> str:
    """A short hash of what decides; `changed` beside the specific action is the same event."""
    labels = ",".join(sorted(label.name for label in appointment.labels or ()))
    state = (
        appointment.datetime,
        str(appointment.duration),
        appointment.canceled,
        appointment.no_show,
        labels,
    )
    return blake2b(repr(state).encode(), digest_size=6).hexdigest()


def moment(text: str) -> datetime:
    """The instant that Acuity means by `2026-05-08T10:00:00-0400`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def _created_at(appointment: _Appointment) -> datetime | None:
    """When it was booked, if Acuity says so."""
    try:
        return moment(appointment.datetime_created or "")
    except ValueError:
        return None


def _person(appointment: _Appointment) -> Person | None:
    """Acuity has no client id: a client is the e-mail address, else name and phone together."""
    if appointment.email and "@" in appointment.email:
        return Person(email=appointment.email)
    parts = (appointment.first_name, appointment.last_name, appointment.phone)
    named = "|".join((part or "").strip().lower() for part in parts)
    return Person(external_id=named) if named.strip("|") else None


def _facts(appointment: _Appointment) -> dict[str, Any]:
    name = " ".join(part.strip() for part in (appointment.first_name, appointment.last_name) if part)
    return {"name": name, "email": appointment.email, "timezone": appointment.timezone}
