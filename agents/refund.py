"""Refund: a gift is taken back at its provider, and its money goes back to the budget.

It must never give money back that the provider keeps, and never touch a gift that may still be ordered.

Theory of operation: the provider is asked first and has the last word; then one statement returns the
money and records who asked and why. Between the two a crash leaves the money spent: asked once
more, the provider says again that the order costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.channels.gift_refund import take_back
from agents.channels.tremendous import TremendousAccount
from agents.ledger.money import Cost, costs, count_money, give_back
from agents.ledger.pool import Pool

_MAY_STILL_GO: Final = frozenset({"pending", "deferred", "held", "sending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """What became of it; `text` is for whoever asked."""

    is_back: bool
    text: str


async def refund(
    pool: Pool,
    account_of: Callable[[str], TremendousAccount | None],
    *,
    delivery_id: str,
    author: str,
    why: str,
) -> Refund:
    """Take a gift back and return its money.

    Args:
        pool: the ledger.
        account_of: a tenant's account.
        delivery_id: the gift's.
        author: who asks.
        why: pseudonymous; it is kept for good.
    """
    cost = next(iter(await costs(pool, delivery_id=delivery_id)), None)
    if cost is None:
        return Refund(
            is_back=False, text=f"No money was reserved for {delivery_id}: `cairn gifts list` shows what was."
        )
    if hindrance := _hindrance(cost):
        return Refund(is_back=False, text=f"{delivery_id}: {hindrance}.")
    account = account_of(cost.tenant)
    if account is None:
        return Refund(is_back=False, text=f"{cost.tenant} has no account for gifts, or no secret gift.key.")
    taken = await take_back(account, cost.celebration_id)
    if taken.kind != "back":
        return Refund(is_back=False, text=f"{delivery_id}: nothing came back: {taken.detail}.")
    cents = await give_back(pool, delivery_id, author=author, why=why, certain=True)
    count_money("returned", cents)
    return Refund(
        is_back=True, text=f"{delivery_id}: {cents or 0} cents are back for {cost.month:%Y-%m}: {taken.detail}."
    )


def _hindrance(cost: Cost) -> str | None:
    if cost.channel != "gift":
        return f"this is a cost of {cost.channel}, which nobody gives back"
    if cost.state == "returned":
        return f"the money came back already, by {cost.returned_by}"
    if cost.delivery_state in _MAY_STILL_GO:
        return f"it is {cost.delivery_state} and may still be ordered: suppress the client with --drop first"
    return None
