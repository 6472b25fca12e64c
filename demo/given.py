"""What was given, as outside readers find it: orders at Tremendous, referrals in the ledger, pages over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_CENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A gift as Tremendous has it.

    Attributes:
        external_id: what Cairn called it.
        email: whom the card goes to, in lower case.
        status: `EXECUTED` once it is paid.
    """

    external_id: str
    email: str
    cents: int
    status: str


def order_of(external_id: str, order: Mapping[str, Any]) -> Order:
    """The order from the API's own form of it."""
    reward = order["rewards"][0]
    return Order(
        external_id=external_id,
        email=reward["recipient"]["email"].lower(),
        cents=int(Decimal(str(reward["value"]["denomination"])) * _CENTS),
        status=order["status"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A client who was asked to recommend the practice, as the ledger has it."""

    celebration_id: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An address that somebody opened.

    Attributes:
        what: the address in words.
        expected: what must be there.
        found: what was there.
    """

    what: str
    expected: str
    found: str
