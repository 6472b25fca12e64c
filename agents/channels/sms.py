"""SMS: one text message to one person by Twilio's Messages API, with an outcome that is true.

It must never send a message twice by itself.

Theory of operation: the API has no idempotency key, so the request is the point of no return: `sending` is
committed before it. A connection that could not be made has sent nothing and may be tried again; so may what Twilio
refuses for now (429) or for our account (401, 403), which an operator mends. Any other 4xx is `rejected`. A 5xx, a
time-out, a broken connection and an answer that is none of Twilio's leave it `unknown`: nobody can say (Twilio,
"Messages resource" and "Error and warning dictionary").
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.channels.http_answer import Answer, NoAnswer, NotConnected, ask
from agents.channels.sms_text import MAX_SEGMENTS, segments

KEY_FILE: Final = "sms.token"
"""The name of the secret that authenticates a tenant's account."""

_DETAIL_CHARS: Final = 200
_FAILED: Final = frozenset({"failed", "undelivered", "canceled"})
_MENDABLE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
_REASONS: Final = MappingProxyType({
    20003: "the account's credentials are not valid",
    20429: "too many requests",
    21211: "the number is not valid",
    21408: "messages to this region are not switched on",
    21606: "the sender's number cannot send messages",
    21610: "the person has replied STOP",
    21612: "the number cannot be reached by this sender",
    21614: "the number is not a mobile one",
    21617: "the text is too long",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """One tenant's account.

    Attributes:
        account: its SID.
        base_url: where the API is, without a slash at the end.
    """

    account: str
    token: str = field(repr=False)
    base_url: str


class SmsChannel:
    """The channel `sms`.

    Args:
        account_of: a tenant's account; None when it has none.
        status_url: where Twilio tells what became of a tenant's delivery, by both their ids; None where it cannot.
    """

    name = "sms"

    def __init__(
        self,
        account_of: Callable[[str], TwilioAccount | None],
        status_url: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self._account_of = account_of
        self._status_url = status_url

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        """Send one message; see `agents.channels.channel.Channel`."""
        account = self._account_of(message.tenant)
        if account is None:
            return Outcome(kind="retry", detail="the tenant has no account for text messages")
        count = segments(message.text).count
        if count > MAX_SEGMENTS:
            return Outcome(kind="rejected", detail=f"the text takes {count} segments, more than {MAX_SEGMENTS}")
        if not await point_of_no_return():
            return Outcome(kind="retry", detail="withdrawn before anything was sent")
        try:
            told_at = self._status_url(message.tenant, message.delivery_id) if self._status_url else None
            return _outcome(await _post(account, message, told_at))
        except NotConnected as error:
            return Outcome(kind="retry", detail=str(error))
        except NoAnswer as error:
            return Outcome(kind="unknown", detail=str(error))


async def _post(account: TwilioAccount, message: Message, status_url: str | None) -> Answer:
    sender = "MessagingServiceSid" if message.from_address.startswith("MG") else "From"
    form = {"To": message.to_address, sender: message.from_address, "Body": message.text}
    if status_url:
        form["StatusCallback"] = status_url
    credentials = base64.b64encode(f"{account.account}:{account.token}".encode()).decode()
    return await ask(
        "POST",
        f"{account.base_url}/2010-04-01/Accounts/{account.account}/Messages.json",
        headers={"Authorization": f"Basic {credentials}"},
        data=form,
    )


def _outcome(answer: Answer) -> Outcome:
    status, said = answer.status, answer.said
    if status in (HTTPStatus.OK, HTTPStatus.CREATED):
        sid, state = said.get("sid"), said.get("status")
        if not isinstance(sid, str) or not sid:
            return Outcome(kind="unknown", detail=f"status {status}, and an answer that is not Twilio's")
        if state in _FAILED:
            return Outcome(kind="rejected", detail=_detail(status, said), provider_id=sid)
        return Outcome(kind="accepted", detail=f"status {status}, {state}", provider_id=sid)
    if status in _MENDABLE or answer.is_redirect:
        return Outcome(kind="retry", detail=_detail(status, said))
    return Outcome(kind="rejected" if answer.is_refusal else "unknown", detail=_detail(status, said))


def _detail(status: int, said: dict[str, Any]) -> str:
    """What was answered, in our words: the provider's may quote the number."""
    code = said.get("code") or said.get("error_code")
    reason = _REASONS.get(code, f"code {code}") if isinstance(code, int) else "no code"
    return f"status {status}: {reason}"[:_DETAIL_CHARS]
