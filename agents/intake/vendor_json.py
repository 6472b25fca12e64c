"""Vendors' JSON, read leniently: a field that is missing, empty or of another form says nothing.

It must never raise, whatever a vendor sends, nor put what it read into a text for the log.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from agents.intake.finding import Ignored
from schemas.event import FIRST_YEAR, LAST_YEAR

ID_MAX_CHARS = 128
_ADDRESS_MAX_CHARS = 256
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_object(body: bytes) -> Mapping[str, Any] | Ignored:
    """The body as a JSON object."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Ignored(reason="not_json", detail=f"the body must be a JSON object: {fault_of(error)}")


def fault_of(error: Exception) -> str:
    """What is wrong with a body that could not be decoded, for whoever mends its sender; nothing of it is repeated."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it holds bytes that are not UTF-8"
    return str(error)


def part(fields: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The object that lies within the others by these names, or an empty one."""
    found: Any = fields
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else _NOTHING


def identifier(value: object) -> str | None:
    """A vendor's id, which may be a number or a text of up to 128 characters."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 2**63 else ""
    return text if 0 < len(text) <= ID_MAX_CHARS else None


def address(value: object) -> str | None:
    """What may be an e-mail address; whether it is one is judged with the profile."""
    text = words(value)
    return text if text and "@" in text and " " not in text and len(text) <= _ADDRESS_MAX_CHARS else None


def words(*values: object) -> str | None:
    """The texts among the values, joined by spaces; None if there is none."""
    return " ".join(stripped for value in values if isinstance(value, str) and (stripped := value.strip())) or None


def moment(value: object) -> datetime | None:
    """The instant of an ISO 8601 text with its offset, in UTC; None for a year that no clock shows."""
    try:
        instant = msgspec.convert(value, datetime) if isinstance(value, str) else None
    except msgspec.ValidationError:
        return None
    if instant is None or instant.tzinfo is None or not FIRST_YEAR < instant.year < LAST_YEAR:
        return None
    return instant.astimezone(UTC)
