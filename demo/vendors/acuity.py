"""Acuity Scheduling as its developer pages describe it: appointments over HTTP, and thin signed hooks.

Holds only the appointments that it is given. Must never know Cairn: its signature and its
formats are written a second time here, so that both sides cannot be wrong in the same way.
"""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web

from demo.vendors.post import post_hook
from demo.vendors.server import VendorServer

_DEFAULT_MAX = 100
_WINDOW_SECONDS = 1.0
_FORMS = frozenset({"forms", "formsText"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What a client books.

    Attributes:
        kind: the appointment type's name.
        timezone: the client's, as the booking page saw it.
    """

    id: int
    first_name: str
    last_name: str
    email: str
    starts_at: datetime
    minutes: int
    kind: str
    timezone: str
    created_at: datetime
    calendar_id: int = 1
    type_id: int = 1


class AcuityServer(VendorServer):
    """An account's API: `GET /api/v1/appointments` and `/api/v1/appointments/{id}`, basic auth.

    Args:
        user_id: the account's user id.
        key: its API key, which also signs the hooks.
        requests_per_second: beyond it the answer is 429 without a header; None is no limit.

    Attributes:
        appointments: by id, as the API shows them; change them with the methods.
        listed: the query of each list that was answered. A list holds 100 at most, `canceled=true` makes it hold only
            cancelled ones, `showall=true` both.
    """

    def __init__(self, *, user_id: str, key: str, requests_per_second: float | None = None) -> None:
        super().__init__()
        self.appointments: dict[int, dict[str, Any]] = {}
        self.listed: list[dict[str, str]] = []
        self._authorization = "Basic " + base64.b64encode(f"{user_id}:{key}".encode()).decode()
        self._key = key
        self._requests_per_second = requests_per_second
        self._window_began = 0.0
        self._window_requests = 0
        self.app.router.add_get("/api/v1/appointments", self._list)
        self.app.router.add_get("/api/v1/appointments/{id}", self._one)

    def book(self, booking: Booking) -> None:
        """Put an appointment into the calendar, in the client's zone."""
        self.appointments[booking.id] = {
            "id": booking.id,
            "firstName": booking.first_name,
            "lastName": booking.last_name,
            "phone": "",
            "email": booking.email,
            **_when(booking.starts_at, booking.minutes, booking.timezone),
            "dateCreated": booking.created_at.strftime("%B %-d, %Y"),
            "datetimeCreated": _acuity_time(booking.created_at, booking.timezone),
            "price": "0.00",
            "paid": "no",
            "amountPaid": "0.00",
            "type": booking.kind,
            "appointmentTypeID": booking.type_id,
            "classID": None,
            "category": "",
            "calendar": "Calendar",
            "calendarID": booking.calendar_id,
            "location": "",
            "timezone": booking.timezone,
            "forms": [],
            "formsText": "",
            "notes": "",
            "labels": None,
            "canceled": False,
        }

    def move(self, appointment_id: int, *, starts_at: datetime) -> None:
        """Reschedule it; its id stays."""
        found = self.appointments[appointment_id]
        found.update(_when(starts_at, int(found["duration"]), found["timezone"]))

    def cancel(self, appointment_id: int, *, no_show: bool = False) -> None:
        """Cancel it; only a cancelled appointment can be a no-show."""
        self.appointments[appointment_id].update(canceled=True, noShow=no_show)

    def label(self, appointment_id: int, name: str) -> None:
        """Give it a label, as a coach does by a click."""
        self.appointments[appointment_id]["labels"] = [{"id": 3, "name": name, "color": "green"}]

    async def send_hook(
        self,
        session: aiohttp.ClientSession,
        url: str,
        action: str,
        appointment_id: int,
        *,
        copies: int = 1,
    ) -> int:
        """Send a hook about an appointment; how many requests it took."""
        body, headers = self.signed_hook(action, appointment_id)
        return await post_hook(session, url, body=body, headers=headers, copies=copies)

    def signed_hook(self, action: str, appointment_id: int) -> tuple[bytes, dict[str, str]]:
        """A hook's body and headers."""
        found = self.appointments.get(appointment_id, {"calendarID": 1, "appointmentTypeID": 1})
        fields = {
            "action": action,
            "id": appointment_id,
            "calendarID": found["calendarID"],
            "appointmentTypeID": found["appointmentTypeID"],
        }
        body = urlencode(fields).encode()
        return body, self.sign(body)

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers under which a form is the account's."""
        digest = hmac.new(self._key.encode(), body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Acuity-Signature": base64.b64encode(digest).decode(),
        }

    async def _one(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        text = request.match_info["id"]
        found = self.appointments.get(int(text)) if text.isdigit() else None
        if found is None:
            return _error(404, "not_found", "Appointment was not found.")
        return web.json_response(found)

    async def _list(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        query = request.query
        found = sorted(self.appointments.values(), key=_starts_at, reverse=query.get("direction") != "ASC")
        if query.get("showall") != "true":
            wants_canceled = query.get("canceled") == "true"
            found = [one for one in found if one["canceled"] is wants_canceled]
        first, last = query.get("minDate", "0000"), query.get("maxDate", "9999")
        found = [one for one in found if first <= one["datetime"][:10] and one["datetime"][:10] <= last]
        if query.get("excludeForms") == "true":
            found = [{name: value for name, value in one.items() if name not in _FORMS} for one in found]
        self.listed.append(dict(query))
        return web.json_response(found[: min(int(query.get("max", _DEFAULT_MAX)), _DEFAULT_MAX)])

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != self._authorization:
            return _error(401, "unauthorized", "Unauthorized")
        now = time.monotonic()
        if now - self._window_began >= _WINDOW_SECONDS:
            self._window_began, self._window_requests = now, 0
        self._window_requests += 1
        if self._requests_per_second is not None and self._window_requests > self._requests_per_second:
            return _error(429, "too_many_requests", "Too many requests")
        return None


def _error(status: int, error: str, message: str) -> web.Response:
    return web.json_response({"status_code": status, "error": error, "message": message}, status=status)


def _starts_at(appointment: dict[str, Any]) -> datetime:
    return datetime.strptime(appointment["datetime"], "%Y-%m-%dT%H:%M:%S%z")


def _acuity_time(instant: datetime, timezone: str) -> str:
    """As Acuity writes it: local, with an offset that has no colon."""
    return instant.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%dT%H:%M:%S%z")


def _when(starts_at: datetime, minutes: int, timezone: str) -> dict[str, Any]:
    local = starts_at.astimezone(ZoneInfo(timezone))
    return {
        "date": local.strftime("%B %-d, %Y"),
        "time": _clock(local),
        "endTime": _clock(local + timedelta(minutes=minutes)),
        "datetime": _acuity_time(starts_at, timezone),
        "duration": str(minutes),
    }


def _clock(local: datetime) -> str:
    return local.strftime("%-I:%M%p").lower()
