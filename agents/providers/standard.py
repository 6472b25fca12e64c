"""Standard Webhooks: what any other provider, or a relay of one's own, tells in our words.

Signed as the Standard Webhooks specification has it. The body is `{type, timestamp, data}`:

| word | meaning |
|---|---|
| `type` | `delivery.accepted`, `delivered`, `failed`, `bounced`, `complained`, `opened`, `clicked`, `unsubscribed` |
| `timestamp` | ISO 8601; may be missing |
| `data.message_id` | the Message-ID header of the mail; or |
| `data.delivery_id` | our id of the delivery; or |
| `data.provider_id` | what the provider called the message when it took it |
| `data.permanent` | of what bounced or failed: nothing else will arrive there |
| `data.code` | a code of letters, digits, points and dashes, for the coach |

One message is one event; `webhook-id` makes it that one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from agents.intake.standard_webhooks import is_signed
from agents.providers.provider import (
    Call,
    Reading,
    UnreadableBodyError,
    decoded,
    delivery_of,
    inner,
    our_id,
    their_ids,
)
from schemas.provider_event import EventKind, ProviderEvent, ProviderName

_KINDS: Final = MappingProxyType[str, EventKind]({
    "delivery.accepted": "accepted",
    "delivery.delivered": "delivered",
    "delivery.failed": "failed",
    "delivery.bounced": "bounced",
    "delivery.complained": "complained",
    "delivery.opened": "opened",
    "delivery.clicked": "clicked",
    "delivery.unsubscribed": "unsubscribed",
})  # fmt: skip
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .:_-]{0,63}")


class StandardProvider:
    """The provider `standard_webhooks`."""

    name: ProviderName = "standard_webhooks"
    secret = "events.hook_key"  # noqa: S105 - the name of a file

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """See `agents.providers.provider.Provider`; the library refuses stamps beyond five minutes."""
        return is_signed(call.body, call.headers, secrets)

    def token(self, call: Call) -> str | None:  # noqa: ARG002 - the signature covers the body
        """Nothing: the signature covers the body."""
        return None

    def events(self, call: Call) -> Sequence[Reading]:
        """One message, one event."""
        told = decoded(call.body)
        data = inner(told, "data")
        event = ProviderEvent(
            kind=_kind(told),
            key=call.headers["webhook-id"],
            happened_at=_instant(told),
            delivery_id=our_id(data.get("delivery_id")) or delivery_of(data.get("message_id")),
            provider_ids=their_ids(data.get("provider_id")),
            permanent=data.get("permanent") is True,
            detail=_code(data),
        )
        if event.delivery_id is None and not event.provider_ids:
            raise UnreadableBodyError("data must have message_id, delivery_id or provider_id")
        return (event,)


def _kind(told: Any) -> EventKind:
    kind = _KINDS.get(str(told.get("type"))) if isinstance(told, dict) else None
    if kind is None:
        raise UnreadableBodyError(f"type must be one of {', '.join(_KINDS)}")
    return kind


def _instant(told: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told.get("timestamp")))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _code(data: Mapping[str, Any]) -> str | None:
    code = data.get("code")
    return f"code {code}" if isinstance(code, str) and _CODE.fullmatch(code) else None
