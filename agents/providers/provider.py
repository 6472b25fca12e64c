"""The one form in which every vendor's webhooks are read: who signed, and what is told.

A provider must never say that a call is signed before it has checked the signature over what came,
quote a person's address, or let one event that it cannot read hide the others.

Theory of operation: a call is what came over HTTP, as it came. Secrets are several while they rotate; each is
tried, so that an answer takes as long for a wrong one as for a right one. `events` gives, in the order told, an
event, or `ignored` for what means nothing to us, or `unreadable`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from schemas.provider_event import ProviderEvent, ProviderName

Reading = ProviderEvent | Literal["ignored", "unreadable"]

AHEAD_SECONDS: Final = 300
"""How far a vendor's clock may be ahead of ours."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_MESSAGE_ID: Final = re.compile(r"<?([0-9a-f]{32})@[^\s<>@]+>?")
_MAX_ID_CHARS: Final = 200


class UnreadableBodyError(ValueError):
    """A signed call whose body is none of the vendor's; the text says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What came over HTTP.

    Attributes:
        address: the whole address that the vendor was given, its query included.
        headers: by their names in lower case.
        query: the address' parameters.
        at_seconds: when it came, real time since the epoch.
    """

    address: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    at_seconds: float


class Provider(Protocol):
    """One vendor.

    Attributes:
        secret: the name of the tenant's secret that its calls are checked with.
    """

    name: ProviderName
    secret: str

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """Whether one of the secrets signed the call, not too long ago."""
        ...

    def token(self, call: Call) -> str | None:
        """What a signed call may use only once, where the signature does not cover the body."""
        ...

    def events(self, call: Call) -> Sequence[Reading]:
        """What a signed call tells.

        Raises:
            UnreadableBodyError: the body as a whole cannot be read.
        """
        ...


def decoded(body: bytes) -> Any:
    """The body's JSON.

    Raises:
        UnreadableBodyError: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableBodyError("the body must be JSON") from None


def is_fresh(stamp: str, at_seconds: float, *, for_seconds: float) -> bool:
    """Whether a stamp in seconds since the epoch is not older than that, nor in the future."""
    if not (stamp.isascii() and stamp.isdecimal()) or len(stamp) > len("10000000000"):
        return False
    return -AHEAD_SECONDS <= at_seconds - int(stamp) <= for_seconds


def delivery_of(message_id: object) -> str | None:
    """The delivery whose mail has this Message-ID; None for a mail that is not ours."""
    found = _MESSAGE_ID.fullmatch(message_id) if isinstance(message_id, str) else None
    return found[1] if found else None


def our_id(given: object) -> str | None:
    """An id as we make them: of a delivery or a celebration."""
    return given if isinstance(given, str) and _ID.fullmatch(given) else None


def their_ids(*given: object) -> tuple[str, ...]:
    """Ids as providers make them."""
    return tuple(one for one in given if isinstance(one, str) and 0 < len(one) <= _MAX_ID_CHARS and one.isprintable())


def instant(seconds: object) -> datetime | None:
    """The instant of a number of seconds since the epoch."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def inner(of: object, name: str) -> Mapping[str, Any]:
    """An object's object of that name; empty when it has none."""
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}
