"""From a milestone to a mail that a mail server has taken."""

from datetime import UTC, datetime

from agents.attempt import Attempts
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.embedded.smtp import SmtpSink
from agents.sender import Sender
from agents.wakeup import Wakeup
from tests.integration.ledger.ledger_practice import TELLER, Practice, planned


async def test_a_streak_arrives_as_a_mail_with_its_badge(practice: Practice, smtp_sink: SmtpSink) -> None:
    server = MailServer(host="127.0.0.1", port=smtp_sink.port, tls="off")
    attempts = Attempts(
        pool=practice.pool,
        tenants=lambda: practice.tenants,
        channel=EmailChannel(server, now=lambda: datetime.now(UTC)),
        teller=TELLER,
        now=practice.clock,
    )
    sender = Sender("email", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock)
    await planned(practice)
    assert await sender.flush() == 1
    (mail,) = smtp_sink.mails
    assert mail.recipients == ("ana@clients.example",)
    assert b"image/png" in mail.content
    assert b"List-Unsubscribe" in mail.content
    assert (await practice.states())["email"] == "sent"
