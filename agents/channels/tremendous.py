"""Tremendous' API as far as a gift needs it: an order is made, looked up, and its rewards are cancelled.

It must never make an order without our external id, by which the same order is made once, however
often it is asked for; never turn an amount into a binary fraction; and never hold a key longer
than one request.

Source: Tremendous' API reference, "Create order", "Retrieve order", "Cancel reward", "Error
handling" and "Sandbox environment". An order's external id serves wherever its own id does.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec

from agents.channels.channel import Gift
from agents.channels.http_answer import Answer, ask

KEY_FILE: Final = "gift.key"
"""The name of the secret that authenticates a tenant's account."""

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class TremendousAccount:
    """One tenant's account.

    Attributes:
        funding_source: what pays; `balance` for the account's own.
        products: what the client may choose from; or
        campaign: the campaign that says so.
        base_url: where the API is, without a slash at the end.
    """

    key: str = field(repr=False)
    funding_source: str
    products: tuple[str, ...]
    campaign: str | None
    base_url: str


async def make_order(account: TremendousAccount, *, external_id: str, gift: Gift, email: str) -> Answer:
    """Order a gift, or hear again of the order with that external id.

    Args:
        account: whose order it is.
        external_id: one for a gift, for ever.
        gift: the amount is told in units with decimals: 2,550 cents are 25.50.
        email: where Tremendous sends it.

    Raises:
        NotConnected: nothing was sent.
        NoAnswer: it may have been ordered.
    """
    reward: dict[str, Any] = {
        "value": {"denomination": Decimal(gift.cents).scaleb(-2), "currency_code": gift.currency},
        "delivery": {"method": "EMAIL"},
        "recipient": {"email": email} | ({"name": gift.to_name} if gift.to_name else {}),
    }
    if account.products:
        reward["products"] = account.products
    if account.campaign:
        reward["campaign_id"] = account.campaign
    payment = {"funding_source_id": account.funding_source}
    order = {"external_id": external_id, "payment": payment, "reward": reward}
    return await _ask(account, "POST", "orders", _ENCODER.encode(order))


async def find_order(account: TremendousAccount, external_id: str) -> Answer:
    """The order with that external id; raises as `make_order` does."""
    return await _ask(account, "GET", f"orders/{quote(external_id, safe='')}")


async def cancel_reward(account: TremendousAccount, reward_id: str) -> Answer:
    """Take a reward back that is neither redeemed nor expired; raises as `make_order` does."""
    return await _ask(account, "POST", f"rewards/{quote(reward_id, safe='')}/cancel")


def order_of(answer: Answer) -> dict[str, Any]:
    """The order that an answer tells of; empty when it tells of none."""
    order = answer.said.get("order")
    return order if isinstance(order, dict) and isinstance(order.get("id"), str) else {}


async def _ask(account: TremendousAccount, method: str, path: str, body: bytes | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {account.key}", "Content-Type": "application/json"}
    return await ask(method, f"{account.base_url}/api/v2/{path}", headers=headers, data=body)
