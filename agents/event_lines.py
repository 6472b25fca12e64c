"""An event as one line of a log: structured mode, on one line, with what the sender said kept.

It must never decide whether an event is valid; that is the codec's. It changes attributes of
the envelope and leaves everything else, also what this build does not know.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from agents.engine.logic import Headers
from schemas.codec import STRUCTURED_CONTENT_TYPE, encode_event
from schemas.event import Event

_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def event_line(event: Event, headers: Headers, value: bytes, *, received_at: datetime) -> bytes:
    """The line of a record that carries an event, without its end.

    Args:
        event: what the codec decoded of the record; its envelope is in the headers in binary mode.
        headers: the record's headers.
        value: the record's value.
        received_at: becomes `receivedat`.
    """
    if is_structured(headers):
        return with_attributes(value, {"receivedat": received_at})
    return encode_event(msgspec.structs.replace(event, received_at=received_at))


def is_structured(headers: Headers) -> bool:
    """Whether a record that the codec takes has its envelope in its value."""
    content_type = next((value or b"" for name, value in headers if name == "content-type"), b"")
    return content_type.startswith(STRUCTURED_CONTENT_TYPE) or not any(name.startswith("ce_") for name, _ in headers)


def with_attributes(line: bytes, attributes: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> bytes:
    """An event in structured mode with some attributes set and others taken out, on one line.

    Raises:
        msgspec.DecodeError: it is no JSON object.
    """
    fields: dict[str, Any] = {name: value for name, value in _fields(line).items() if name not in without}
    return msgspec.json.format(msgspec.json.encode({**fields, **attributes}), indent=-1)
