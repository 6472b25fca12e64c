"""Tremendous: webhooks of gift orders and rewards (its manual, "Webhooks").

Theory of operation: it signs the raw body with the private key that it gave when the webhook was made
(HMAC-SHA256, `Tremendous-Webhook-Signature: sha256=...`). A body names an order or a reward by Tremendous' own id,
which the order's answer had told; where it repeats our external id, that is the celebration. There is no stamp in
the signature's header, so a call that is repeated must change nothing.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from agents.providers.provider import Call, Reading, UnreadableBodyError, decoded, inner, our_id, their_ids
from agents.signature_fit import fits_one
from schemas.provider_event import EventKind, ProviderEvent, ProviderName

_KINDS: Final = MappingProxyType[str, tuple[EventKind, str | None]]({
    "ORDERS.CREATED": ("accepted", None),
    "ORDERS.APPROVED": ("accepted", None),
    "ORDERS.CANCELED": ("failed", "the order was canceled"),
    "ORDERS.REJECTED": ("failed", "the order was rejected"),
    "ORDERS.FAILED": ("failed", "the order failed"),
    "REWARDS.DELIVERY.SUCCEEDED": ("delivered", None),
    "REWARDS.DELIVERY.FAILED": ("bounced", "the reward could not be delivered"),
    "REWARDS.CANCELED": ("bounced", "the reward was canceled"),
})  # fmt: skip
_GIVEN_BACK: Final = frozenset({"ORDERS.CANCELED", "ORDERS.REJECTED", "ORDERS.FAILED", "REWARDS.CANCELED"})


class Tremendous:
    """The provider `tremendous`."""

    name: ProviderName = "tremendous"
    secret = "gift.hook_key"  # noqa: S105 - the name of a file

    def is_signed(self, call: Call, secrets: Sequence[str]) -> bool:
        """See `agents.providers.provider.Provider`."""
        given = call.headers.get("tremendous-webhook-signature", "")
        made = [f"sha256={hmac.new(one.encode(), call.body, 'sha256').hexdigest()}" for one in secrets]
        return fits_one(given, made)

    def token(self, call: Call) -> str | None:  # noqa: ARG002 - the signature covers the body
        """Nothing: the signature covers the body."""
        return None

    def events(self, call: Call) -> Sequence[Reading]:
        """One webhook, one event."""
        told = decoded(call.body)
        name, keys = told.get("event") if isinstance(told, dict) else None, their_ids(inner({"": told}, "").get("uuid"))
        if not (isinstance(name, str) and keys):
            raise UnreadableBodyError("the body must have event and uuid")
        if name not in _KINDS:
            return ("ignored",)
        kind, detail = _KINDS[name]
        payload = inner(told, "payload")
        resource, meta = inner(payload, "resource"), inner(payload, "meta")
        return (
            ProviderEvent(
                kind=kind,
                key=keys[0],
                happened_at=_created_at(told),
                provider_ids=their_ids(*_ids(resource), *_ids(meta)),
                celebration_id=our_id(resource.get("external_id")) or our_id(meta.get("external_id")),
                returns_money=name in _GIVEN_BACK,
                detail=detail,
            ),
        )


def _ids(of: Mapping[str, Any]) -> tuple[object, ...]:
    return of.get("id"), of.get("order_id"), of.get("reward_id")


def _created_at(told: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told.get("created_utc")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
