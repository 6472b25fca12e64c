"""Email: one mail to one person over SMTP, with an outcome that is true.

It must never send a mail twice by itself, and never call accepted, refused or repeatable what
it does not know.

Theory of operation: MAIL, RCPT and DATA are spoken one by one, because `send_message` of
aiosmtplib crosses the point of no return inside. Until the server has said 354 nothing can have
been sent: every fault is `retry`, a 5xx is `rejected`. Then `point_of_no_return` commits
`sending`, and the mail goes out. The server's reply decides; without one, for 600 seconds or
until the connection drops, the outcome is `unknown` (RFC 5321, 4.2.1, 4.5.3.2, 6.1).
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

from agents.channels.channel import Message, Outcome, OutcomeKind, PointOfNoReturn
from agents.channels.connections import Connections, MailServer
from agents.channels.mime import BadAddress, compose_mail, mailable, mailable_sender

_GO_AHEAD = 354
_CLOSING = 421
_DETAIL_CHARS = 200
_REFUSALS: dict[int, OutcomeKind] = {4: "retry", 5: "rejected"}
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
_QUEUED_AS = re.compile(r"queued as\s+([A-Za-z0-9._-]{1,64})", re.IGNORECASE)


# Together below a sender's lease: a server that answers each command just in time must not outlast the claim.
_CONNECT_SECONDS = 45.0
_OFFER_SECONDS = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """A mail as SMTP takes it: envelope and bytes."""

    sender: str
    recipient: str
    body: bytes


class EmailChannel:
    """The channel `email`.

    Args:
        server: where the mail goes.
        now: gives the instant that Date shows.
    """

    name = "email"

    def __init__(self, server: MailServer, *, now: Callable[[], datetime]) -> None:
        self._reply_timeout_seconds = server.reply_timeout_seconds
        self._connections = Connections(server)
        self._now = now

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        """Send one mail; see `agents.channels.channel.Channel`."""
        try:
            mail = self._compose(message)
        except BadAddress as error:
            return Outcome(kind="rejected", detail=str(error))
        except ValueError:
            return Outcome(kind="rejected", detail="a name or title holds a line break; correct it")
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    smtp = await stack.enter_async_context(self._connections.lease())
            except (SMTPException, OSError) as error:
                return Outcome(kind="retry", detail=_clean(f"no connection to the mail server: {error}"))
            return await self._converse(smtp, mail, point_of_no_return)

    async def close(self) -> None:
        """Close the connections that are idle."""
        await self._connections.close()

    def _compose(self, message: Message) -> _Mail:
        recipient = mailable(message.to_address)
        return _Mail(
            sender=mailable_sender(message.from_address),
            recipient=recipient,
            body=compose_mail(message, recipient, self._now()),
        )

    async def _converse(self, smtp: SMTP, mail: _Mail, point_of_no_return: PointOfNoReturn) -> Outcome:
        refusal = await _offer(smtp, mail)
        if refusal:
            return refusal
        if not await point_of_no_return():
            smtp.close()  # after DATA this is the only way to take a mail back
            return Outcome(kind="retry", detail="withdrawn before anything was sent")
        # `protocol` is aiosmtplib's public way to a single write and a single reply.
        protocol = cast("SMTPProtocol", smtp.protocol)
        doubled = mail.body.replace(b"\n.", b"\n..")  # RFC 5321, 4.5.2; the first line is a header and has no dot
        try:
            protocol.write(doubled + b".\r\n")
        except SMTPServerDisconnected:
            smtp.close()
            return Outcome(kind="retry", detail="the connection was gone before anything was sent")
        return await self._reply(smtp, protocol)

    async def _reply(self, smtp: SMTP, protocol: SMTPProtocol) -> Outcome:
        try:
            response = await protocol.read_response(timeout=self._reply_timeout_seconds)
        except (SMTPException, OSError) as error:
            smtp.close()
            return Outcome(kind="unknown", detail=_clean(f"no answer to the end of the mail: {error}"))
        outcome = _answered(smtp, response, by_class={2: "accepted", **_REFUSALS}, otherwise="unknown")
        if outcome.kind == "accepted":
            self._connections.accepted(smtp)
        return outcome


async def _offer(smtp: SMTP, mail: _Mail) -> Outcome | None:
    """MAIL, RCPT, DATA; None when the server waits for the mail, else why it does not."""
    try:
        async with asyncio.timeout(_OFFER_SECONDS):
            await smtp.mail(mail.sender)
            await smtp.rcpt(mail.recipient)
            response = await smtp.execute_command(b"DATA")
    except SMTPResponseException as error:
        response = SMTPResponse(error.code, error.message)
    except (SMTPException, OSError) as error:
        smtp.close()
        return Outcome(kind="retry", detail=_clean(f"the mail server did not listen: {error}"))
    if response.code == _GO_AHEAD:
        return None
    return _answered(smtp, response, by_class=_REFUSALS, otherwise="retry")


def _answered(
    smtp: SMTP, response: SMTPResponse, *, by_class: dict[int, OutcomeKind], otherwise: OutcomeKind
) -> Outcome:
    """The outcome that a reply means; a server that says 421 is hung up on."""
    kind = by_class.get(response.code // 100, otherwise)
    if response.code == _CLOSING or response.code // 100 not in by_class:
        smtp.close()
    queued = _QUEUED_AS.search(response.message) if kind == "accepted" else None
    return Outcome(
        kind=kind,
        detail=_clean(f"{response.code} {response.message}"),
        provider_id=queued[1] if queued else None,
    )


def _clean(text: str) -> str:
    """The provider's words in one line, without addresses."""
    return " ".join(_ADDRESS.sub("(address)", text).split())[:_DETAIL_CHARS]
