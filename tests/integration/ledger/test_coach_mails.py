"""Mails to coaches over real SMTP: asked at once, once more, and each morning what is left."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from agents.approval_clock import ApprovalClock
from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.coach_mails import CoachMails
from agents.embedded.smtp import SmtpSink
from agents.ledger.approvals import Decision, decide
from agents.ledger.brakes import suppress, unsuppress
from agents.web.approval_links import ApprovalLinks, Asked
from schemas.brake import Suppression
from schemas.tenant import Coach
from tests.integration.ledger.ledger_practice import NOON, Practice, RecordingChannel
from tests.integration.waiting import thirty_six, wait_for_coach

LINKS = ApprovalLinks("https://cairn.example", "l" * 32)
YES = Decision(ruling="approve", author="jo")
SAM = Coach(id="sam", name="Sam Roe", email="sam@northstar.example", timezone="America/New_York")


@pytest.fixture
async def email(smtp_sink: SmtpSink) -> AsyncIterator[EmailChannel]:
    channel = EmailChannel(MailServer(host="127.0.0.1", port=smtp_sink.port, tls="off"), now=lambda: datetime.now(UTC))
    yield channel
    await channel.close()


def mails(practice: Practice, channel: EmailChannel | RecordingChannel) -> CoachMails:
    return CoachMails(practice.pool, tenants=lambda: practice.tenants, channel=channel, links=LINKS, now=practice.clock)


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def second_coach(practice: Practice) -> None:
    tenant = practice.tenants["northstar"]
    practice.tenants["northstar"] = replace(tenant, coaches=(*tenant.coaches, SAM))


async def kept(practice: Practice) -> list[tuple[str, str, str, str | None]]:
    rows = await practice.pool.fetch("SELECT kind, coach, state, reason FROM coach_mails ORDER BY created_at, kind")
    return [tuple(row) for row in rows]


async def task(practice: Practice, coach: str | None, summary: str, **changes: object) -> None:
    await practice.pool.execute(
        "INSERT INTO coach_tasks (tenant, client, coach, kind, reason, summary, minutes, planned_at)"
        " VALUES ('northstar', 'ana', $1, 'celebrate', 'by_hand', $2, 3, $3)",
        coach, summary, changes.get("at", practice.now),
    )  # fmt: skip


async def test_a_coach_is_told_who_reached_what_and_what_silence_means(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await practice.meet(consents={})
    waiting = await wait_for_coach(practice.pool, "gift", gone=("email",))
    assert await mails(practice, email).look() == 1
    (mail,) = smtp_sink.mails
    assert mail.recipients == ("jo@northstar.example",)
    assert mail.message["Subject"] == "Your yes to $25 for Ana: 36 sessions"
    assert mail.message["List-Unsubscribe"] is None
    text = text_of(mail.message)
    assert "Hello Jo," in text
    assert "Ana has just reached a milestone: 36 sessions" in " ".join(text.split())
    assert "a gift card of $25 waits for your word" in " ".join(text.split())
    assert "If nobody answers by Wednesday, 6 May, 08:00, the gift card does not go" in " ".join(text.split())
    link = next(line for line in text.splitlines() if line.startswith("https://"))
    assert link in text_of(mail.message, "html")
    assert LINKS.read(link.rpartition("/")[2]) == Asked(tenant="northstar", celebration_id=waiting, coach="jo")
    assert await kept(practice) == [("approval", "jo", "sent", None)]
    assert await mails(practice, email).look() == 0


async def test_a_whole_celebration_that_waits_says_what_all_waits(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await wait_for_coach(practice.pool, "email", "certificate", "gift")
    await mails(practice, email).look()
    text = " ".join(text_of(smtp_sink.mails[0].message).split())
    assert "A client has just reached a milestone" in text
    assert "the mail, the certificate and a gift card of $25 wait for your word" in text
    assert "everything but the gift card goes as it is" in text


async def test_the_second_question_goes_to_the_first_coach_or_is_marked(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    second_coach(practice)
    await practice.meet("ben", name="Ben Hur")
    await wait_for_coach(practice.pool, "email", coach="sam")
    await wait_for_coach(practice.pool, "email", milestone=thirty_six("ben"))
    await mails(practice, email).look()
    smtp_sink.clear()
    await practice.later(hours=4)
    await ApprovalClock(practice.pool, lambda: practice.tenants, practice.clock).look()
    await mails(practice, email).look()
    by_text = sorted(text_of(mail.message) for mail in smtp_sink.mails)
    assert {mail.recipients for mail in smtp_sink.mails} == {("jo@northstar.example",)}
    assert all(str(mail.message["Subject"]).startswith("Still waiting: ") for mail in smtp_sink.mails)
    assert any("Sam was asked for a yes a while ago" in text for text in by_text)
    assert any("second and last time" in " ".join(text.split()) for text in by_text)


async def test_what_is_answered_meanwhile_is_not_asked(practice: Practice, email: EmailChannel) -> None:
    waiting = await wait_for_coach(practice.pool, "gift")
    await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    await mails(practice, email).look()
    assert await kept(practice) == [("approval", "jo", "skipped", "answered")]


async def test_an_answer_that_comes_while_the_mail_leaves_takes_it_back(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift")

    async def answer() -> None:
        await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)

    practice.channel.before.append(answer)
    await mails(practice, practice.channel).look()
    assert practice.channel.sent == []
    assert await kept(practice) == [("approval", "jo", "skipped", "answered")]


async def test_a_client_who_is_suppressed_is_asked_about_once_that_is_lifted(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await wait_for_coach(practice.pool, "gift")
    hold = Suppression(answer="hold", reason="bereavement")
    await suppress(practice.pool, tenant="northstar", client="ana", suppression=hold, author="jo", now=practice.now)
    await mails(practice, email).look()
    assert await kept(practice) == [("approval", "jo", "pending", "suppressed")]
    await unsuppress(practice.pool, tenant="northstar", client="ana", author="jo", now=practice.now)
    await practice.pool.execute("UPDATE coach_mails SET retry_at = now()")
    await mails(practice, email).look()
    assert len(smtp_sink.mails) == 1


async def test_nobody_is_written_to_about_an_erased_client(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await practice.meet()
    await wait_for_coach(practice.pool, "gift")
    await practice.erase()
    await mails(practice, email).look()
    assert smtp_sink.mails == ()


async def test_a_mail_that_may_have_left_is_never_sent_again(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    practice.channel.answers.append(Outcome(kind="unknown", detail="no answer"))
    worker = mails(practice, practice.channel)
    await worker.look()
    await worker.look()
    assert len(practice.channel.sent) == 1
    assert await kept(practice) == [("approval", "jo", "unknown", "lost_in_sending")]


async def test_a_worker_that_died_in_mid_mail_leaves_it_unknown(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    await practice.pool.execute("UPDATE coach_mails SET state = 'sending', lease_until = now() - interval '1 s'")
    await mails(practice, practice.channel).look()
    assert await kept(practice) == [("approval", "jo", "unknown", "lost_in_sending")]
    assert practice.channel.sent == []


async def test_a_mail_server_that_is_away_is_tried_again_and_given_up_in_the_end(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    practice.channel.answers += [Outcome(kind="retry", detail="busy")] * 2
    worker = mails(practice, practice.channel)
    await worker.look()
    assert await kept(practice) == [("approval", "jo", "pending", "provider_away")]
    await practice.pool.execute("UPDATE coach_mails SET retry_at = now(), attempts = 19")
    await worker.look()
    assert await kept(practice) == [("approval", "jo", "failed", "provider_away")]


async def test_a_channel_that_raises_before_anything_left_is_tried_again(practice: Practice) -> None:
    class Broken(RecordingChannel):
        async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
            raise RuntimeError(message.subject, point_of_no_return)

    await wait_for_coach(practice.pool, "gift")
    await mails(practice, Broken()).look()
    assert await kept(practice) == [("approval", "jo", "pending", "provider_away")]


async def test_the_same_mail_has_the_same_id_and_each_its_own(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    await wait_for_coach(practice.pool, "gift", milestone=thirty_six("ben"))
    ids = {row["mail_id"] for row in await practice.pool.fetch("SELECT mail_id FROM coach_mails")}
    assert len(ids) == 2
    await practice.pool.execute("TRUNCATE coach_mails, approvals")
    await wait_for_coach(practice.pool, "gift")
    assert {row["mail_id"] for row in await practice.pool.fetch("SELECT mail_id FROM coach_mails")} < ids


async def test_each_coach_gets_one_mail_in_the_morning_of_their_zone(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    second_coach(practice)
    await practice.meet()
    yesterday = NOON - timedelta(days=1)
    await task(practice, "jo", "36 sessions: send the certificate", at=yesterday)
    await task(practice, None, "half way: record a short video message", at=yesterday)
    await task(practice, "sam", "a goal: congratulate in person", at=yesterday)
    practice.now = NOON.replace(hour=7, minute=59)
    worker = mails(practice, email)
    await worker.look()
    assert smtp_sink.mails == ()
    practice.now = NOON.replace(hour=8)
    await worker.look()
    (mail,) = smtp_sink.mails
    assert mail.message["Subject"] == "2 things for you today, about 6 minutes"
    text = " ".join(text_of(mail.message).split())
    assert "Good morning Jo, these are yours" in text
    assert "- Ana: 36 sessions: send the certificate (3 minutes, task 1)" in text
    assert "congratulate in person" not in text
    assert "record a short video message" in text_of(mail.message, "html")
    practice.now = NOON  # eight in New York
    await worker.look()
    assert [mail.recipients[0] for mail in smtp_sink.mails] == ["jo@northstar.example", "sam@northstar.example"]
    assert smtp_sink.mails[1].message["Subject"] == "One thing for you today, about 3 minutes"


async def test_a_mail_comes_only_for_what_stood_in_none_and_never_twice_a_day(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await practice.meet()
    await task(practice, "jo", "one", at=NOON - timedelta(days=1))
    await mails(practice, email).look()
    await task(practice, "jo", "two")
    await mails(practice, email).look()  # as after a restart
    assert len(smtp_sink.mails) == 1
    await practice.later(days=1)
    await mails(practice, email).look()
    assert "one" in text_of(smtp_sink.mails[1].message)
    assert "two" in text_of(smtp_sink.mails[1].message)
    await practice.later(days=1)
    await mails(practice, email).look()
    assert len(smtp_sink.mails) == 2


async def test_a_mail_of_tasks_that_are_done_meanwhile_does_not_go(
    practice: Practice, email: EmailChannel, smtp_sink: SmtpSink
) -> None:
    await practice.meet()
    await task(practice, "jo", "one", at=NOON - timedelta(days=1))
    practice.channel.answers.append(Outcome(kind="retry", detail="busy"))
    await mails(practice, practice.channel).look()
    await practice.pool.execute("UPDATE coach_tasks SET state = 'done'")
    await practice.pool.execute("UPDATE coach_mails SET retry_at = now()")
    await mails(practice, email).look()
    assert smtp_sink.mails == ()
    assert await kept(practice) == [("tasks", "jo", "skipped", "nothing_open")]


async def test_tasks_of_a_mail_that_was_refused_stand_in_the_next(practice: Practice) -> None:
    await practice.meet()
    await task(practice, "jo", "one", at=NOON - timedelta(days=1))
    practice.channel.answers.append(Outcome(kind="rejected", detail="550 no such user"))
    await mails(practice, practice.channel).look()
    assert (await kept(practice))[0][2] == "failed"
    await practice.later(days=1)
    await mails(practice, practice.channel).look()
    assert [row[2] for row in await kept(practice)] == ["failed", "sent"]


async def test_a_tenant_that_is_gone_ends_its_mails(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    practice.tenants.clear()
    await mails(practice, practice.channel).look()
    assert await kept(practice) == [("approval", "jo", "failed", "the tenant's folder is gone")]
