"""The ledger's part of the checker sees what is planted in a ledger that is otherwise in order."""

import asyncio
import smtplib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from agents.ledger.migrate import migrate
from tests.chaos.ledger_judge import judge
from tests.chaos.load import address_of
from tests.chaos.mail_sink import MailSink
from tests.chaos.verdict import Verdict

_CLIENT = "r01-000001"
_EXPECTED = {("few", _CLIENT, "first-session", 1, "once"), ("few", _CLIENT, "thirty-six", 36, "once")}
_MILESTONE = """
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    VALUES ($1, 1, false, 'few', $2, $3, 'major', now(),
            jsonb_build_object('threshold', $4::int, 'occurrence', 'once'), now())
"""
_CELEBRATION = """
    INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome,
                              planned_at, due_at, expires_at, heard_at)
    VALUES ($1, $1, 1, 'few', $2, 'any', 'major', 'live', 'send', now(), now(), now(), now())
"""
_DELIVERY = """
    INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state,
                            due_at, expires_at, heard_at)
    VALUES ($1 || ':email', $1, 'email', 'few', $2, 'any', 'major', 'sent', now(), now(), now())
"""


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Two milestones, each answered by a mail that was sent."""
    await migrate(database)
    connection = await asyncpg.connect(database)
    for name, rule, threshold in (("m1", "first-session", 1), ("m36", "thirty-six", 36)):
        await connection.execute(_MILESTONE, name, _CLIENT, rule, threshold)
        await connection.execute(_CELEBRATION, name, _CLIENT)
        await connection.execute(_DELIVERY, name, _CLIENT)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def mail() -> MailSink:
    """A mail server that accepted both."""
    sink = MailSink()
    sink.accepted.update(["m1-email", "m36-email"])
    return sink


async def _judged(database: str, mail: MailSink) -> Verdict:
    return await judge(database, Verdict(), _EXPECTED, mail, "r01")


@pytest.mark.usefixtures("ledger")
async def test_a_ledger_in_order_has_no_breach(database: str, mail: MailSink) -> None:
    verdict = await _judged(database, mail)
    assert verdict.breaches == {}
    assert (verdict.celebrations, verdict.mails) == (2, 2)


@pytest.mark.usefixtures("ledger")
async def test_a_mail_that_was_accepted_twice_is_reported(database: str, mail: MailSink) -> None:
    mail.accepted["m1-email"] += 1
    assert (await _judged(database, mail)).breaches == {"mailed_twice": 1}


async def test_a_milestone_without_an_answer_is_reported(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    await ledger.execute("DELETE FROM deliveries WHERE celebration_id = 'm36'")
    await ledger.execute("DELETE FROM celebrations WHERE celebration_id = 'm36'")
    assert (await _judged(database, mail)).breaches == {"uncelebrated": 1}


async def test_a_milestone_that_is_answered_under_two_ids_is_reported(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    await ledger.execute(_MILESTONE, "m36-again", _CLIENT, "thirty-six", 36)
    await ledger.execute(_CELEBRATION, "m36-again", _CLIENT)
    assert (await _judged(database, mail)).breaches == {"celebrated_twice": 1}


@pytest.mark.usefixtures("ledger")
async def test_a_mail_to_somebody_who_was_erased_is_reported(database: str, mail: MailSink) -> None:
    mail.to_erased["m1-email"] += 1
    assert (await _judged(database, mail)).breaches == {"mailed_erased": 1}


def _send(port: int, mails: dict[str, str]) -> None:
    client = smtplib.SMTP("127.0.0.1", port, timeout=10)
    for name, to in mails.items():
        text = f"To: Kim <{address_of(to)}>\r\nMessage-ID: <{name}@chaos.example>\r\n\r\nWell done."
        client.sendmail("hello@chaos.example", [address_of(to)], text)
    client.close()


async def test_the_mail_server_tells_mails_that_come_after_an_erasure(mail: MailSink) -> None:
    mail.erased = {address_of(_CLIENT)}
    await mail.start()
    try:
        await asyncio.to_thread(_send, mail.port, {"m2-email": "r01-000002", "m3-email": _CLIENT})
    finally:
        await mail.stop()
    assert mail.to_erased == {"m3-email": 1}
    assert mail.accepted["m2-email"] == mail.accepted["m3-email"] == 1


async def test_a_mail_that_went_with_anothers_is_no_breach_but_without_it_is(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    await ledger.execute("UPDATE celebrations SET outcome = 'merged', merged_into = 'm36' WHERE celebration_id = 'm1'")
    await ledger.execute("UPDATE deliveries SET state = 'skipped', reason = 'merged' WHERE celebration_id = 'm1'")
    del mail.accepted["m1-email"]
    assert (await _judged(database, mail)).breaches == {}
    await ledger.execute("UPDATE deliveries SET state = 'skipped', reason = 'expired' WHERE celebration_id = 'm36'")
    del mail.accepted["m36-email"]
    assert (await _judged(database, mail)).breaches == {"wrong_deliveries": 2}


async def test_a_mail_that_is_skipped_although_nobody_was_erased_is_reported(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    await ledger.execute("UPDATE deliveries SET state = 'skipped', reason = 'erased' WHERE celebration_id = 'm1'")
    del mail.accepted["m1-email"]
    assert (await _judged(database, mail)).breaches == {"wrong_deliveries": 1}
    mail.erased.add(address_of(_CLIENT))
    assert (await _judged(database, mail)).breaches == {}


@pytest.mark.usefixtures("ledger")
async def test_a_mail_called_sent_that_nobody_accepted_is_reported(database: str, mail: MailSink) -> None:
    del mail.accepted["m1-email"]
    assert (await _judged(database, mail)).breaches == {"wrong_deliveries": 1}


async def test_a_mail_that_was_accepted_and_is_not_called_sent_is_reported(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    await ledger.execute("UPDATE deliveries SET state = 'pending' WHERE celebration_id = 'm1'")
    assert (await _judged(database, mail)).breaches == {"wrong_deliveries": 2}, "accepted, and never finished"


async def test_unknown_without_a_cause_is_reported(ledger: asyncpg.Connection, database: str, mail: MailSink) -> None:
    await ledger.execute("UPDATE deliveries SET state = 'unknown' WHERE celebration_id = 'm1'")
    verdict = await _judged(database, mail)
    assert (verdict.unknown, verdict.injected_unknown, verdict.breaches) == (1, 0, {"wrong_unknown": 1})
    mail.in_doubt.add("m1-email")
    verdict = await _judged(database, mail)
    assert (verdict.unknown, verdict.injected_unknown, verdict.breaches) == (1, 1, {})


@pytest.mark.usefixtures("ledger")
async def test_a_withheld_answer_that_is_not_called_unknown_is_reported(database: str, mail: MailSink) -> None:
    mail.unanswered.add("m1-email")
    assert (await _judged(database, mail)).breaches == {"wrong_unknown": 1}


async def test_a_mail_that_was_refused_for_good_has_to_be_called_failed(
    ledger: asyncpg.Connection, database: str, mail: MailSink
) -> None:
    mail.refused.add("m1-email")
    del mail.accepted["m1-email"]
    await ledger.execute("UPDATE deliveries SET state = 'failed', reason = 'rejected' WHERE celebration_id = 'm1'")
    assert (await _judged(database, mail)).breaches == {}
    mail.refused.clear()
    assert (await _judged(database, mail)).breaches == {"wrong_deliveries": 1}
