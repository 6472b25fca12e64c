"""What the tests of email share: a message, a point of no return that counts, and a way to send."""

from datetime import UTC, datetime
from typing import Any

from agents.channels.channel import InlineImage, Message, Outcome
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from tests.integration.channels.scripted_smtp import scripted_smtp

SENT_AT = datetime(2026, 5, 5, 17, 30, tzinfo=UTC)
MESSAGE = Message(
    delivery_id="4f2a:email",
    celebration_id="4f2a",
    tenant="northstar",
    client="c-17",
    to_address="ana@clients.example",
    from_name="Jörg, Northstar",
    from_address="hello@northstar.example",
    reply_to="jo@northstar.example",
    subject="Thirty days in a row, Ana",
    text=".a line that begins with a dot\n\nGrüße\n",
    html="<p>Grüße</p>",
    inline=(InlineImage(cid="badge", filename="badge.png", png=b"\x89PNG" * 100),),
    unsubscribe_url="https://cairn.example/u/" + "x" * 200,
)


class Crossing:
    """A point of no return that counts, and answers as told."""

    def __init__(self, *, may_go: bool = True) -> None:
        self.asked = 0
        self._may_go = may_go

    async def __call__(self) -> bool:
        self.asked += 1
        return self._may_go


def channel_to(port: int, **server: Any) -> EmailChannel:
    settings = {"tls": "off", "command_timeout_seconds": 1.0, "reply_timeout_seconds": 0.2, **server}
    return EmailChannel(MailServer(host="127.0.0.1", port=port, **settings), now=lambda: SENT_AT)


async def send_to(crossing: Crossing, message: Message = MESSAGE, **answers: str) -> tuple[Outcome, list[bytes]]:
    async with scripted_smtp(**answers) as server:
        channel = channel_to(server.port)
        outcome = await channel.send(message, crossing)
        await channel.close()
        return outcome, server.mails
