"""Gift: a gift card to one person by an order at Tremendous, with an outcome that is true.

It must never order a gift twice, and never repeat what the provider says: its texts may quote
names and addresses.

Theory of operation: the external id of the order is the celebration's id, and Tremendous makes one
order for an external id: asked again, it tells of the first one. So after silence or a fault of
its own the same request goes again (`retry`, in doubt: it may have been ordered), until an answer
says what became of it. What an operator mends (the key, the balance, an address that redirects)
is tried again too. An order that Tremendous shows as failed or cancelled stays so for its external
id, so that a person takes over; and one that does not bear our external id is `unknown`, since
then nothing holds a second one off.
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from agents.channels.channel import Gift, Message, Outcome, PointOfNoReturn
from agents.channels.http_answer import Answer, NoAnswer, NotConnected
from agents.channels.tremendous import TremendousAccount, make_order, order_of

_MENDABLE: Final = MappingProxyType({
    401: "the account's key is not valid: mend the secret gift.key",
    402: "the funding source does not cover it: add funds at Tremendous",
    403: "the key may not order: give it the right at Tremendous",
    429: "too many requests",
})  # fmt: skip
_UNDECIDED: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
_ORDERED: Final = MappingProxyType({
    "EXECUTED": "ordered",
    "CART": "ordered, and not carried out yet",
    "OPEN": "ordered, and not carried out yet",
    "PENDING APPROVAL": "ordered, and waits until somebody approves it at Tremendous",
    "PENDING INTERNAL PAYMENT APPROVAL": "ordered, and waits until Tremendous approves the payment",
})  # fmt: skip
_ENDED: Final = MappingProxyType({
    "CANCELED": "the order was cancelled at Tremendous",
    "FAILED": "the order failed at Tremendous, as it does when funds are missing, and will not go by this id",
})  # fmt: skip
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FIELD: Final = re.compile(
    r"external_id|payment(\.funding_source_id)?|reward|reward\.(campaign_id|products|delivery(\.method)?|"
    r"value(\.(denomination|currency_code))?|recipient(\.(name|email))?)"
)
_MAX_DEPTH: Final = 4


class GiftChannel:
    """The channel `gift`.

    Args:
        account_of: a tenant's account, with its key as it is now; None when it has none.
    """

    name = "gift"

    def __init__(self, account_of: Callable[[str], TremendousAccount | None]) -> None:
        self._account_of = account_of

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        """Order one gift; see `agents.channels.channel.Channel`."""
        gift = message.gift
        if gift is None or gift.cents <= 0:
            return Outcome(kind="rejected", detail="no amount was decided")
        account = self._account_of(message.tenant)
        if account is None:
            return Outcome(kind="retry", detail="the tenant has no account for gifts, or no secret gift.key")
        if not (account.products or account.campaign):
            return Outcome(kind="retry", detail="tenant.yaml names neither products nor a campaign for gifts")
        if not await point_of_no_return():
            return Outcome(kind="retry", detail="withdrawn before anything was ordered")
        return await _order(account, gift, message)


async def _order(account: TremendousAccount, gift: Gift, message: Message) -> Outcome:
    order_id = message.celebration_id
    try:
        answer = await make_order(account, external_id=order_id, gift=gift, email=message.to_address)
    except NotConnected as error:
        return Outcome(kind="retry", detail=str(error))
    except NoAnswer as error:
        return _in_doubt(str(error))
    return _outcome(answer, order_id)


def _outcome(answer: Answer, external_id: str) -> Outcome:
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _of_order(status, order_of(answer), external_id)
    if answer.is_redirect:
        return Outcome(kind="retry", detail=f"status {status}: the address points elsewhere: mend gifts.base_url")
    if status in _MENDABLE:
        return Outcome(kind="retry", detail=f"status {status}: {_MENDABLE[status]}")
    if answer.is_refusal and status not in _UNDECIDED:
        return Outcome(kind="rejected", detail=f"status {status}: {_reasons(answer.said)}")
    return _in_doubt(f"status {status}")


def _of_order(status: int, order: dict[str, Any], external_id: str) -> Outcome:
    if not order:
        return _in_doubt(f"status {status}, and an answer that is not Tremendous'")
    if order.get("external_id") != external_id:
        return Outcome(kind="unknown", detail=f"status {status}, and an order that does not bear our external id")
    state, order_id = str(order.get("status")), _ids(order)
    if state in _ENDED:
        return Outcome(kind="rejected", detail=_ENDED[state], provider_id=order_id)
    if state not in _ORDERED:
        detail = f"status {status}, and an order in a state that we do not know"
        return Outcome(kind="unknown", detail=detail, provider_id=order_id)
    again = ", told of again" if status == HTTPStatus.CREATED else ""
    return Outcome(kind="accepted", detail=f"status {status}: {_ORDERED[state]}{again}", provider_id=order_id)


def _ids(order: dict[str, Any]) -> str:
    """What Tremendous' webhooks call it: the order's id, and its rewards', parted by `/`."""
    rewards = order.get("rewards")
    named = [one.get("id") for one in rewards if isinstance(one, dict)] if isinstance(rewards, list) else []
    return "/".join(one for one in (order["id"], *named) if isinstance(one, str) and _ID.fullmatch(one))


def _in_doubt(what: str) -> Outcome:
    return Outcome(kind="retry", detail=f"{what}; the same order is asked for again, which makes one", in_doubt=True)


def _reasons(said: dict[str, Any]) -> str:
    """Which of our fields are at fault; the texts beside them may quote the recipient."""
    errors = said.get("errors")
    payload = errors.get("payload") if isinstance(errors, dict) else None
    known = sorted(path for path in _paths(payload) if _FIELD.fullmatch(path))
    return f"at fault is {', '.join(known)}" if known else "the order is refused"


def _paths(value: object, path: str = "", depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for name, below in value.items():
            yield from _paths(below, f"{path}.{name}" if path else str(name), depth + 1)
    elif path:
        yield path
