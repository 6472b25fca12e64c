"""Taking a gift back: the rewards of its order are cancelled at Tremendous, as far as it still lets them.

It must never say that money came back before Tremendous has said so, and never repeat what
Tremendous says, which may quote the recipient.

Theory of operation: the order is looked up by our external id, each of its rewards is cancelled, and
it is looked up once more. Only an order that is cancelled then, or that was never made, or failed,
costs nothing. Every step may be taken again, so whoever got no answer asks again. A reward that
was redeemed or has expired stays (Tremendous, "Cancel reward"); an order that waits for
approval is declined at Tremendous by those who may.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

from agents.channels.http_answer import Answer, NoAnswer, NotConnected
from agents.channels.tremendous import TremendousAccount, cancel_reward, find_order, order_of

_COSTS_NOTHING: Final = frozenset({"CANCELED", "FAILED"})
_WAITING: Final = frozenset({"PENDING APPROVAL", "PENDING INTERNAL PAYMENT APPROVAL", "CART", "OPEN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What is known of the money.

    Attributes:
        kind: `back`, the gift costs nothing; `kept`, it was given for good; `unanswered`, ask again later.
        detail: for the operator and the ledger.
    """

    kind: Literal["back", "kept", "unanswered"]
    detail: str


async def take_back(account: TremendousAccount, external_id: str) -> TakenBack:
    """Cancel what was ordered under that external id."""
    try:
        found = await find_order(account, external_id)
        if settled := _settled(found, external_id):
            return settled
        for reward_id in _rewards(order_of(found)):
            refused = _refusal(await cancel_reward(account, reward_id))
            if refused:
                return refused
        return _settled(await find_order(account, external_id), external_id) or TakenBack(
            kind="unanswered", detail="the order is not shown as cancelled yet: ask again"
        )
    except (NotConnected, NoAnswer) as error:
        return TakenBack(kind="unanswered", detail=str(error))


def _settled(answer: Answer, external_id: str) -> TakenBack | None:
    """What is final about an order; None when its rewards may be cancelled."""
    if answer.status == HTTPStatus.NOT_FOUND and isinstance(answer.said.get("errors"), dict):
        return TakenBack(kind="back", detail="no order was made")
    order = order_of(answer)
    if answer.status != HTTPStatus.OK or order.get("external_id") != external_id:
        return TakenBack(kind="unanswered", detail=f"status {answer.status}: the order is not shown")
    if order.get("status") in _COSTS_NOTHING:
        return TakenBack(kind="back", detail=f"the order is {str(order['status']).lower()}")
    if order.get("status") in _WAITING:
        return TakenBack(kind="kept", detail="the order waits at Tremendous: decline it there, then ask again")
    return None


def _rewards(order: dict[str, Any]) -> list[str]:
    rewards = order.get("rewards")
    ids = [one.get("id") for one in rewards if isinstance(one, dict)] if isinstance(rewards, list) else []
    return [one for one in ids if isinstance(one, str)]


def _refusal(answer: Answer) -> TakenBack | None:
    """Why a reward was not cancelled; None when it was."""
    if answer.status == HTTPStatus.OK:
        return None
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return TakenBack(kind="kept", detail=f"status {answer.status}: the key may not cancel rewards")
    if answer.is_refusal and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
        return TakenBack(
            kind="kept",
            detail=f"status {answer.status}: it is redeemed, expired or cancelled already: look at Tremendous",
        )
    return TakenBack(kind="unanswered", detail=f"status {answer.status}: ask again")
