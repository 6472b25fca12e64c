"""Twilio: status callbacks of text messages (its manual, "Outbound message status in status callbacks").

Theory of operation: the address that we give with each message names its delivery, so that a callback also tells
of a message whose id we never got to know. Twilio signs the address that it was given and the fields of the form,
sorted by name, with the account's auth token (HMAC-SHA1, "Webhooks security"); there is no stamp, so a call that is
repeated must change nothing. Codes are those of its "Error and warning dictionary".
"""

import base64
import hmac
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from agents.providers.provider import Call, Reading, UnreadableBodyError, our_id, their_ids
from agents.signature_fit import fits_one
from schemas.provider_event import EventKind, ProviderEvent, ProviderName

_KINDS: Final = MappingProxyType[str, EventKind]({
    "sent": "accepted",
    "delivered": "delivered",
    "read": "opened",
    "undelivered": "bounced",
    "failed": "failed",
    "canceled": "failed",
})  # fmt: skip
_NO_SUCH_NUMBER: Final = frozenset({"21211", "21614", "30005", "30006"})
_UNSUBSCRIBED: Final = "21610"
_MAX_FIELDS: Final = 100


class Twilio:
    """The provider `twilio`."""

    name: ProviderName = "twilio"
    secret = "sms.token"  # noqa: S105 - the name of a file

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """See `agents.providers.provider.Provider`."""
        given, fields = call.headers.get("x-twilio-signature", ""), _fields(call.body)
        return fits_one(given, [signature(call.address, fields, one) for one in secrets])

    def token(self, call: Call) -> str | None:  # noqa: ARG002 - the signature covers all of the call
        """Nothing: the signature covers all of the call."""
        return None

    def events(self, call: Call) -> Sequence[Reading]:
        """One callback, one status; a message to somebody who replied STOP tells that as well."""
        fields = dict(_fields(call.body))
        sid, status, code = fields.get("MessageSid", ""), fields.get("MessageStatus", ""), fields.get("ErrorCode", "")
        ids = their_ids(sid)
        if not (ids and status):
            raise UnreadableBodyError("the form must have MessageSid and MessageStatus")
        kind = _KINDS.get(status)
        if kind is None:
            return ("ignored",)
        event = ProviderEvent(
            kind=kind,
            key=f"{sid}:{status}",
            delivery_id=our_id(call.query.get("delivery")),
            provider_ids=ids,
            permanent=code in _NO_SUCH_NUMBER,
            detail=f"code {code}" if code.isdecimal() else None,
        )
        if code != _UNSUBSCRIBED:
            return (event,)
        left = ProviderEvent(
            kind="unsubscribed", key=f"{sid}:{code}", delivery_id=event.delivery_id, provider_ids=event.provider_ids
        )
        return event, left


def signature(address: str, fields: Iterable[tuple[str, str]], token: str) -> str:
    """What Twilio puts into `X-Twilio-Signature`."""
    signed = address + "".join(f"{name}{value}" for name, value in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form (the URL standard, 5.1); none of one that has too many to be Twilio's."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []
