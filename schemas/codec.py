"""The codec: bytes of the topics to shapes, and back.

Theory: a valid event of a known type is decoded in one pass, envelope and data, by a union of
structs told apart by `type`. Only what fails there is looked at again, in the end field by
field: a wrong optional field is dropped and named, a wrong required one refuses the event.
Bytes never crash it: the answer is an `Event` or `Refused`.

Profiles are plain JSON objects; `milestone_codec` has the milestones.

Both content modes of CloudEvents 1.0 are read (Kafka protocol binding, section 3): binary
by its `ce_` headers, structured by its content type, or by having neither.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union

import msgspec
import pydantic
from msgspec import DecodeError, Raw, ValidationError, defstruct, field
from msgspec.json import Decoder, Encoder

from schemas.client import Profile
from schemas.event import EVENT_DATA, FIRST_YEAR, LAST_YEAR, Data, Envelope, Event, FreeValue, Moment
from schemas.refusal import REFUSAL_REASONS, Refused
from schemas.repair import keep_scalars, keep_valid
from schemas.text import EVENT_MAX_BYTES, BoundedId, Text
from schemas.zones import ZONES

__all__ = [
    "REFUSAL_REASONS",
    "Refused",
    "decode_event",
    "decode_profile",
    "encode_event",
]

Headers = Iterable[tuple[str, bytes | None]]

STRUCTURED_CONTENT_TYPE = b"application/cloudevents+json"
_STRUCTURED = [("content-type", STRUCTURED_CONTENT_TYPE)]  # as the C reader hands out the headers of nearly every event

_ATTRIBUTES = frozenset(Envelope.__struct_fields__)
_NO_DATA = Raw(b"{}")
_BACKSLASH = ord("\\")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SPOKEN_BOOLEANS = {b'"true"': Raw(b"true"), b'"false"': Raw(b"false")}


class _Wire(Envelope, frozen=True, kw_only=True):
    """An event as it travels in structured mode."""

    data: Raw = _NO_DATA


class _Known(Event, frozen=True, kw_only=True, gc=False):
    """An event of a known type as it travels, decoded with its data in one pass into what it is.

    Without patterns, which cost more than the rest of the decoding: `_is_sound` stands for them.
    """

    id: Text
    source: Text
    tenant: BoundedId = field(name="tenantid")
    client: BoundedId = field(name="subject")
    occurred_at: Moment = field(name="time")
    data: Any
    received_at: Moment | None = field(default=None, name="receivedat")
    silent: bool = False
    dropped: tuple[()] = field(default=(), name="_dropped")
    specversion: Literal["1.0"] = "1.0"


def _known(name: str, shape: type[Data]) -> type[Any]:
    """The event of one type, told from the others by its tag."""
    return defstruct(
        "Event",
        [("data", shape), ("type", Literal[name], field(default=name, name="_type"))],  # sent, it can only agree
        bases=(_Known,),
        kw_only=True,
        frozen=True,
        gc=False,
        tag_field="type",
        tag=name,
    )


_KNOWN: dict[str, type[Event]] = {name: _known(name, shape) for name, shape in EVENT_DATA.items()}
_known_events = Decoder(Union[tuple(_KNOWN.values())]).decode  # noqa: UP007 - built, not written
_any_wire = Decoder(_Wire).decode
_raw_fields = Decoder(dict[str, Raw]).decode
_free = Decoder(dict[str, FreeValue]).decode
_typed = {name: Decoder(shape).decode for name, shape in EVENT_DATA.items()}
_encode = Encoder(order="deterministic").encode


def decode_event(headers: Headers, value: bytes | None) -> Event:
    """The event that a record of `coaching.events.v1` carries.

    Raises:
        Refused: it carries none; the reason is a metric label, the detail is for people.
    """
    if value is None:
        raise Refused("not_json", "an event must have a value; this one is empty")
    if len(value) > EVENT_MAX_BYTES:
        raise Refused("too_large", f"an event has at most {EVENT_MAX_BYTES} bytes, not {len(value)}")
    if _BACKSLASH in value and _ESCAPED_NUL.search(value):
        raise Refused("text_with_nul", "text must not contain U+0000")
    try:
        attributes = None if headers == _STRUCTURED else _binary_attributes(headers)
        if attributes is None:
            return _decode_structured(value)
        return _decoded(*_binary_wire(attributes, value))
    except RecursionError:
        raise Refused("too_deep", "the JSON is nested too deeply") from None
    except (DecodeError, UnicodeDecodeError) as error:
        raise Refused("not_json", f"the value must be a JSON object in UTF-8: {error}") from None


def encode_event(event: Event) -> bytes:
    """The event in structured mode, for a record with content type `STRUCTURED_CONTENT_TYPE`."""
    wire = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.client,
        "time": event.occurred_at,
        "tenantid": event.tenant,
        "datacontenttype": "application/json",
        "data": event.data,
    }
    if event.received_at is not None:
        wire["receivedat"] = event.received_at
    if event.silent:
        wire["silent"] = True
    return _encode(wire)


def decode_profile(value: bytes) -> Profile:
    """The profile that a record of `coaching.clients.v1` carries (a tombstone carries none).

    Raises:
        Refused: a field is wrong; the detail names fields and never repeats what they hold.
    """
    if len(value) > EVENT_MAX_BYTES:
        raise Refused("too_large", f"a profile has at most {EVENT_MAX_BYTES} bytes, not {len(value)}")
    try:
        return Profile.model_validate_json(value)
    except pydantic.ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        where = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults)
        raise Refused("wrong_profile", where) from None


def _decode_structured(value: bytes) -> Event:
    try:
        event: Event = _known_events(value)
    except ValidationError:
        return _decode_other(value)
    return event if _is_sound(event) else _decode_other(value)


def _is_sound(event: Event) -> bool:
    """Whether an event of a known type has nothing that its struct alone allows, as nearly every one."""
    ids, zone, received_at = event.tenant + event.client, event.data.timezone, event.received_at
    return (
        ids.isprintable()
        and not (" " in ids or "/" in ids)
        and FIRST_YEAR <= event.occurred_at.year <= LAST_YEAR
        and (received_at is None or FIRST_YEAR <= received_at.year <= LAST_YEAR)
        and (zone is None or zone in ZONES)
    )


def _decode_other(value: bytes) -> Event:
    """The event of a free type, or one of which a field is wrong."""
    try:
        return _decoded(_any_wire(value), ())
    except ValidationError:
        return _decoded(*_repaired(_raw_fields(value)))


def _decoded(wire: _Wire, dropped: tuple[str, ...]) -> Event:
    """The event of an envelope whose data is raw still."""
    try:
        data: Any = _typed.get(wire.type, _free)(wire.data)
    except ValidationError:
        data, dropped = _repaired_data(wire, dropped)
    return _event(wire, data, dropped)


def _event(wire: _Wire, data: Any, dropped: tuple[str, ...]) -> Event:
    if not FIRST_YEAR <= wire.time.year <= LAST_YEAR:
        raise Refused("time_out_of_range", f"time must lie between {FIRST_YEAR} and {LAST_YEAR}")
    if wire.receivedat is not None and not FIRST_YEAR <= wire.receivedat.year <= LAST_YEAR:
        raise Refused("time_out_of_range", f"receivedat must lie between {FIRST_YEAR} and {LAST_YEAR}")
    zone = data.get("timezone") if type(data) is dict else data.timezone
    if zone is not None and zone not in ZONES:
        dropped = (*dropped, "data.timezone")
        data = _without_zone(data)
    return _KNOWN.get(wire.type, Event)(
        id=wire.id,
        source=wire.source,
        type=wire.type,
        tenant=wire.tenantid,
        client=wire.subject,
        occurred_at=wire.time,
        data=data,
        received_at=wire.receivedat,
        silent=wire.silent,
        dropped=dropped,
    )


def _without_zone(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: value for name, value in data.items() if name != "timezone"}
    return msgspec.structs.replace(data, timezone=None)


def _repaired(fields: Mapping[str, Raw]) -> tuple[_Wire, tuple[str, ...]]:
    """The envelope without its wrong optional attributes, and their names."""
    if "subject" not in fields or bytes(fields["subject"]) in {b"null", b'""'}:
        raise Refused("missing_subject", "subject must be the client's id")
    spoken = _SPOKEN_BOOLEANS.get(bytes(fields.get("silent", b"")))
    fields = fields if spoken is None else {**fields, "silent": spoken}
    kept, dropped = keep_valid(_Wire, fields, reason="wrong_envelope")
    return _Wire(**kept), dropped


def _repaired_data(wire: _Wire, dropped: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """The data without its wrong optional fields, and their names."""
    try:
        fields = _raw_fields(wire.data)
    except ValidationError:
        raise Refused("wrong_data", "data must be a JSON object") from None
    shape = EVENT_DATA.get(wire.type)
    if shape is None:
        free, wrong = keep_scalars(fields)
        return free, (*dropped, *wrong)
    kept, wrong = keep_valid(shape, fields, reason="wrong_data")
    try:
        data = shape(**kept)
    except ValueError as error:
        raise Refused("wrong_data", str(error)) from None
    return data, (*dropped, *(f"data.{name}" for name in wrong))


def _binary_attributes(headers: Headers) -> dict[str, str] | None:
    """The `ce_` headers of a record in binary mode; None for structured mode."""
    attributes: dict[str, str] = {}
    content_type = b""
    for name, value in headers:
        if name == "content-type":
            content_type = value or b""
            if content_type == STRUCTURED_CONTENT_TYPE:
                return None
        elif name.startswith("ce_"):
            attributes[name[3:]] = (value or b"").decode()
    if content_type.startswith(STRUCTURED_CONTENT_TYPE) or not (content_type or attributes):
        return None
    if (attributes and content_type.startswith((b"application/json", b"text/json"))) or not content_type:
        return attributes
    raise Refused("wrong_content_type", "content-type must be application/cloudevents+json or application/json")


def _binary_wire(attributes: Mapping[str, str], value: bytes) -> tuple[_Wire, tuple[str, ...]]:
    fields = {name: Raw(_encode(text)) for name, text in attributes.items() if name in _ATTRIBUTES}
    if any("\x00" in text for text in attributes.values()):
        raise Refused("text_with_nul", "text must not contain U+0000")
    return _repaired({**fields, "data": Raw(value or b"{}")})
