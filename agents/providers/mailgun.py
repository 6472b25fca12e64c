"""Mailgun: webhooks of mails (its manual, "Securing Webhooks" and "Webhook Payloads").

Theory of operation: it signs a stamp and a token with the domain's signing key (HMAC-SHA256), and not the body. So a
stamp must be fresh, and a token that was used once is good for the same bytes only: whoever overheard one cannot
make another event of it. It repeats a webhook for eight hours, so a stamp of this morning must still do. A mail is
known by the Message-ID that we made.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from agents.providers.provider import (
    Call,
    Reading,
    UnreadableBodyError,
    decoded,
    delivery_of,
    inner,
    instant,
    is_fresh,
    their_ids,
)
from agents.signature_fit import fits_one
from schemas.provider_event import EventKind, ProviderEvent, ProviderName

_FRESH_SECONDS: Final = 12 * 3_600
_KINDS: Final = MappingProxyType[str, EventKind]({
    "accepted": "accepted",
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "rejected": "failed",
})  # fmt: skip
_ON_ITS_LISTS: Final = MappingProxyType[str, EventKind](
    {"suppress-unsubscribe": "unsubscribed", "suppress-complaint": "complained"}
)
_NO_SUCH_ADDRESS: Final = frozenset({"bounce", "suppress-bounce"})


class Mailgun:
    """The provider `mailgun`."""

    name: ProviderName = "mailgun"
    secret = "mailgun.hook_key"  # noqa: S105 - the name of a file

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """See `agents.providers.provider.Provider`."""
        told = _signature(call.body)
        stamp, token, given = (str(told.get(name, "")) for name in ("timestamp", "token", "signature"))
        made = [hmac.new(one.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest() for one in secrets]
        return fits_one(given, made) and bool(token) and is_fresh(stamp, call.at_seconds, for_seconds=_FRESH_SECONDS)

    def token(self, call: Call) -> str | None:
        """The token, which is good for these bytes alone."""
        return str(_signature(call.body)["token"])

    def events(self, call: Call) -> Sequence[Reading]:
        """One webhook, one event; a mail that was kept back for an earlier wish tells of that wish as well."""
        told = inner(decoded(call.body), "event-data")
        ids = their_ids(told.get("id"))
        if not ids:
            raise UnreadableBodyError("the body must have event-data with an id")
        return tuple(_read(told, f"{ids[0]}:{told.get('timestamp')}")) or ("ignored",)  # ids come again some day


def _signature(body: bytes) -> Mapping[str, Any]:
    try:
        return inner(decoded(body), "signature")
    except UnreadableBodyError:
        return {}


def _read(told: Mapping[str, Any], key: str) -> Iterable[ProviderEvent]:
    message_id = inner(inner(told, "message"), "headers").get("message-id")
    at, delivery_id = instant(told.get("timestamp")), delivery_of(message_id)
    kind = _KINDS.get(str(told.get("event")))
    if told.get("event") == "failed" and told.get("severity") == "permanent":
        status, reason = inner(told, "delivery-status"), str(told.get("reason"))
        yield ProviderEvent(
            kind="bounced",
            key=key,
            happened_at=at,
            delivery_id=delivery_id,
            permanent=reason in _NO_SUCH_ADDRESS and status.get("bounce-type") != "soft",
            detail=_detail(status.get("code")),
        )
        kind = _ON_ITS_LISTS.get(reason)
        key = f"{key}:{reason}"
    if kind in ("opened", "clicked") and inner(told, "client-info").get("bot"):
        kind = "delivered"  # a machine looked at it, as mailboxes do before anybody reads
    if kind is not None:
        yield ProviderEvent(kind=kind, key=key, happened_at=at, delivery_id=delivery_id)


def _detail(code: object) -> str | None:
    return f"status {code}" if isinstance(code, int) and not isinstance(code, bool) else None
