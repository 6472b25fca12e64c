"""SendGrid: its Event Webhook (its manual, "Event Webhook Reference" and "... Security Features").

Theory of operation: it signs its stamp and the raw body with a key of its own (ECDSA, P-256, SHA-256); we hold the
public half as its console shows it. It repeats a call for a day, so a stamp of yesterday must still do; what is
repeated changes nothing. Many events come in one body. Events of delivery name our Message-ID (`smtp-id`), those of
engagement only SendGrid's own id, whose first part the mail server had told when it took the mail.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from agents.providers.provider import (
    Call,
    Reading,
    UnreadableBodyError,
    decoded,
    delivery_of,
    instant,
    is_fresh,
    their_ids,
)
from schemas.provider_event import EventKind, ProviderEvent, ProviderName

_FRESH_SECONDS: Final = 25 * 3_600
_HEADER: Final = "x-twilio-email-event-webhook-"
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_KINDS: Final = MappingProxyType[str, EventKind]({
    "processed": "accepted",
    "delivered": "delivered",
    "open": "opened",
    "click": "clicked",
    "bounce": "bounced",
    "dropped": "failed",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
})  # fmt: skip
_MEANT_NOTHING: Final = frozenset({"deferred", "group_resubscribe"})
_ON_ITS_LISTS: Final = MappingProxyType[str, EventKind](
    {"Unsubscribed Address": "unsubscribed", "Spam Reporting Address": "complained"}
)


class SendGrid:
    """The provider `sendgrid`."""

    name: ProviderName = "sendgrid"
    secret = "sendgrid.hook_key"  # noqa: S105 - the name of a file

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """See `agents.providers.provider.Provider`."""
        given, stamp = (call.headers.get(f"{_HEADER}{name}", "") for name in ("signature", "timestamp"))
        fits = [_fits(one, given, stamp.encode() + call.body) for one in secrets]
        return any(fits) and is_fresh(stamp, call.at_seconds, for_seconds=_FRESH_SECONDS)

    def token(self, call: Call) -> str | None:  # noqa: ARG002 - the signature covers the body
        """Nothing: the signature covers the body."""
        return None

    def events(self, call: Call) -> Sequence[Reading]:
        """As many events as the body holds."""
        told = decoded(call.body)
        if not isinstance(told, list):
            raise UnreadableBodyError("the body must be a list of events")
        return tuple(reading for one in told for reading in _read(one))


@lru_cache(maxsize=256)
def _public_key(secret: str) -> EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
    except (ValueError, binascii.Error):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _fits(secret: str, given: str, signed: bytes) -> bool:
    key = _public_key(secret)
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(given, validate=True), signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _read(told: object) -> Iterable[Reading]:
    if not isinstance(told, dict) or not their_ids(told.get("sg_event_id")):
        yield "unreadable"
        return
    kind = _KINDS.get(str(told.get("event")))
    if kind is None:
        yield "ignored" if told.get("event") in _MEANT_NOTHING else "unreadable"
        return
    if kind == "opened" and told.get("sg_machine_open") is True:
        kind = "delivered"  # a machine looked at it, as mailboxes do before anybody reads
    yield _event(told, kind, str(told["sg_event_id"]))
    wish = _ON_ITS_LISTS.get(str(told.get("reason"))) if kind == "failed" else None
    if wish:
        yield _event(told, wish, f"{told['sg_event_id']}:{wish}")


def _event(told: Mapping[str, Any], kind: EventKind, key: str) -> ProviderEvent:
    has_no_mailbox = (kind == "bounced" and told.get("type") == "bounce") or told.get("reason") == "Bounced Address"
    message = told.get("sg_message_id")
    return ProviderEvent(
        kind=kind,
        key=key,
        happened_at=instant(told.get("timestamp")),
        delivery_id=delivery_of(told.get("smtp-id")),
        provider_ids=their_ids(message.partition(".")[0]) if isinstance(message, str) else (),
        permanent=kind in ("bounced", "failed") and has_no_mailbox,
        detail=_detail(told) if kind in ("bounced", "failed") else None,
    )


def _detail(told: Mapping[str, Any]) -> str | None:
    """The reply's enhanced code (RFC 3463): its text may quote the address."""
    status = str(told.get("status"))
    return f"status {status}" if _STATUS.fullmatch(status) else None
