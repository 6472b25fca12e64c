"""What a row of a table says: of whom, what of their profile, and which events.

It must never let contact data into an event, nor repeat a cell in a reason. Every event is judged
here by the one decoder, so that a dry run refuses what an import would refuse.

Pure: who the client is in Cairn is found by `agents.table_import`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec
import pydantic

from agents.contact_data import refuse_addresses
from agents.intake.finding import Person
from agents.table_binding import BoundEvent, BoundMapping
from agents.table_cells import Instant
from schemas.client import Profile
from schemas.codec import decode_event
from schemas.event import EVENT_DATA, Event, HabitData
from schemas.refusal import Refused
from schemas.text import Identifier

_AHEAD: Final = timedelta(hours=24)
_ID_MAX_CHARS: Final = 256
_UNKNOWN: Final = "unassigned"
_BELONGS: Final = "an address belongs to client.email or profile"
_TAGS = re.compile(r"\s*[,;|]\s*")
_encode = msgspec.json.Encoder(order="deterministic").encode


class RowEvent(NamedTuple):
    """An event of a row, all but the client.

    Attributes:
        is_unique: the id says enough without the client's.
    """

    event: Event
    is_unique: bool

    def of(self, client: str) -> Event:
        """The event of a client."""
        event_id = self.event.id if self.is_unique else f"{self.event.id}:{client}"
        return msgspec.structs.replace(self.event, client=client, id=event_id)


class RowSays(NamedTuple):
    """What a row says.

    Attributes:
        client: the id in Cairn, where the table has it; else `person`.
        profile: the fields that are set are what the row tells.
    """

    client: str | None
    person: Person | None
    profile: Profile | None
    events: tuple[RowEvent, ...]


class RowTranslator:
    """Reads the rows of one table.

    Args:
        bound: what its columns mean.
        tenant: whose clients they are.
        live: whether milestones of it are celebrated; else every event is silent.
        now: no event may lie more than a day after it.
    """

    def __init__(self, bound: BoundMapping, *, tenant: str, live: bool, now: datetime) -> None:
        self._bound = bound
        self._tenant = tenant
        self._silent = not live
        self._latest = now + _AHEAD
        self._source = f"cairn/{tenant}/{bound.source}"

    def translate(self, cells: Sequence[str]) -> RowSays:
        """What a row says.

        Raises:
            Refused: with why it cannot be taken in; the whole row is not.
        """
        client, person = self._who(cells)
        profile = self._profile(cells, person)
        events = tuple(filter(None, (self._event(cells, event) for event in self._bound.events)))
        return RowSays(client, person, profile, events)

    def _who(self, cells: Sequence[str]) -> tuple[str | None, Person | None]:
        bound = self._bound
        if bound.client is not None:
            return _client_id(bound.client.of(cells, "wrong_client"), bound.client.name), None
        named = bound.external_id.of(cells, "wrong_client") if bound.external_id else None
        email = bound.email.of(cells, "wrong_client") if bound.email else None
        if named is None and email is None:
            raise Refused("no_client", f"{_names(bound)}: empty, so nobody knows whose row it is")
        if max(len(str(named or "")), len(email or "")) > _ID_MAX_CHARS:
            raise Refused("wrong_client", f"{_names(bound)}: has at most {_ID_MAX_CHARS} characters")
        if named is not None and "@" in str(named) and bound.external_id:
            raise Refused("wrong_client", f"{bound.external_id.name}: holds an address; map it as client.email")
        return None, Person(external_id=None if named is None else str(named), email=_lowered(email))

    def _profile(self, cells: Sequence[str], person: Person | None) -> Profile | None:
        """The row's facts, validated; a fact that is wrong refuses the row, so that it is mended."""
        facts: dict[str, Any] = {}
        if person is not None and person.email:
            facts["email"] = person.email
        for name, cell in self._bound.profile:
            value = cell.of(cells, "wrong_profile")
            if value is not None:
                facts[name] = _fact(name, value)
        if not facts:
            return None
        try:
            return Profile.model_validate(facts)
        except pydantic.ValidationError as error:
            names = {name: cell.name for name, cell in self._bound.profile}
            email = self._bound.email
            names |= {"email": email.name} if email and "email" not in names else {}
            wrong = sorted({str(each["loc"][0]) for each in error.errors()})
            raise Refused("wrong_profile", "; ".join(f"{names[name]}: no valid {name}" for name in wrong)) from None

    def _event(self, cells: Sequence[str], bound: BoundEvent) -> RowEvent | None:
        instant = bound.time.of(cells, "wrong_time")
        type_name = bound.type.of(cells, "wrong_type")
        if instant is None and bound.is_optional:
            return None
        if instant is None:
            raise Refused("wrong_time", f"{bound.time.name}: empty, so nobody knows when it happened")
        if type_name is None:
            raise Refused("wrong_type", f"{bound.type.name}: empty, so nobody knows what happened")
        data = self._data(cells, bound, type_name, instant)
        named = bound.id.of(cells, "wrong_id") if bound.id else None
        wire = {"type": type_name, "time": instant.at, "data": data, "source": self._source}
        event_id = f"import-{blake2b(_encode(wire), digest_size=16).hexdigest()}"
        if named is not None:
            if len(named) > _ID_MAX_CHARS:
                raise Refused("wrong_id", f"has at most {_ID_MAX_CHARS} characters")
            event_id = f"{self._bound.source}:{named}"
        wire |= {"id": event_id, "specversion": "1.0", "tenantid": self._tenant, "subject": _UNKNOWN}
        told = {f"data.{name}": value for name, value in data.items()}
        refuse_addresses({"id": event_id, "type": type_name, **told}, _BELONGS)
        return RowEvent(self._judged(_encode(wire | {"silent": self._silent})), is_unique=named is not None)

    def _data(self, cells: Sequence[str], bound: BoundEvent, type_name: str, instant: Instant) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, cell in bound.fields(type_name):
            value = cell.of(cells, "wrong_data")
            if value is not None:
                data[name] = value.at if isinstance(value, Instant) else value
        shape = EVENT_DATA.get(type_name)
        if shape is not None:
            if instant.day is not None and issubclass(shape, HabitData):
                data.setdefault("day", instant.day)
            for name in _needed(type_name):
                if name not in data:
                    at = dict(bound.fields(type_name)).get(name)
                    place = f"{at.name} is empty" if at else "no column of the mapping gives it"
                    raise Refused("wrong_data", f"{type_name} needs {name}: {place}")
        return data

    def _judged(self, value: bytes) -> Event:
        """The event as the tracker will read it.

        Raises:
            Refused: it would refuse it, or drop a part of it in silence.
        """
        event = decode_event((), value)
        if event.dropped:
            raise Refused("wrong_data", f"not valid: {', '.join(event.dropped)}")
        if event.occurred_at > self._latest:
            raise Refused("time_in_future", "time lies more than 24 h after now")
        return event


def _client_id(value: Any, name: str) -> str:
    if value is None:
        raise Refused("no_client", f"{name}: empty, so nobody knows whose row it is")
    if "@" in str(value):
        raise Refused("wrong_client", f"{name}: holds an address; map it as client.email")
    try:
        return msgspec.convert(value, Identifier)
    except msgspec.ValidationError:
        raise Refused("wrong_client", f"{name}: an id has 1 to 128 characters, without spaces and /") from None


def _names(bound: BoundMapping) -> str:
    return " and ".join(cell.name for cell in (bound.email, bound.external_id) if cell is not None)


def _lowered(email: Any) -> str | None:
    """An address as every tool's hooks say it; `joined` keeps profiles so."""
    return None if email is None else str(email).lower()


def _fact(name: str, value: Any) -> Any:
    if name == "tags":
        return tuple(filter(None, _TAGS.split(str(value))))
    return _lowered(value) if name == "email" else value


@cache
def _needed(type_name: str) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(EVENT_DATA[type_name]) if field.required)
