"""From a milestone to a mail that a mail server has taken."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

from agents.attempt import Attempts
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.embedded.smtp import SmtpSink
from agents.sender import Sender
from agents.wakeup import Wakeup
from schemas.tenant import Referral
from tests.integration.ledger.ledger_practice import TELLER, Practice, planned, reached
from tests.streams.planning.planning_cases import consent


def sender_to(practice: Practice, smtp_sink: SmtpSink) -> Sender:
    server = MailServer(host="127.0.0.1", port=smtp_sink.port, tls="off")
    attempts = Attempts(
        pool=practice.pool,
        tenants=lambda: practice.tenants,
        channel=EmailChannel(server, now=lambda: datetime.now(UTC)),
        teller=TELLER,
        now=practice.clock,
    )
    return Sender("email", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock)


async def test_a_streak_arrives_as_a_mail_with_its_badge(practice: Practice, smtp_sink: SmtpSink) -> None:
    await planned(practice)
    assert await sender_to(practice, smtp_sink).flush() == 1
    (mail,) = smtp_sink.mails
    assert mail.recipients == ("ana@clients.example",)
    assert b"image/png" in mail.content
    assert b"List-Unsubscribe" in mail.content
    assert (await practice.states())["email"] == "sent"


async def test_a_major_arrives_with_its_certificate_and_a_referral_that_is_remembered(
    practice: Practice, smtp_sink: SmtpSink
) -> None:
    practice.set_policy(tiers={"major": {"channels": ["email", "certificate", "referral"], "expires": "7d"}})
    tenant = practice.tenants["northstar"]
    practice.tenants["northstar"] = replace(tenant, referral=Referral(url="https://northstar.example/{code}"))
    await practice.meet(**consent("marketing"))
    await practice.hear(reached("thirty-six", "major", "count", threshold=36))
    assert await sender_to(practice, smtp_sink).flush() == 1
    (mail,) = smtp_sink.mails
    parsed = message_from_bytes(mail.content, policy=policy.default)
    (certificate,) = parsed.iter_attachments()
    assert (certificate.get_filename(), certificate.get_content_type()) == ("certificate.pdf", "application/pdf")
    assert certificate.get_content().startswith(b"%PDF")
    body = parsed.get_body(preferencelist=("plain",))
    assert body is not None
    assert "session" in body.get_content()
    assert await practice.pool.fetchval("SELECT count(*) FROM referrals") == 1
    await practice.sweep()
    assert set((await practice.states()).values()) == {"sent"}
