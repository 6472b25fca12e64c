"""Deliveries of which nobody can say whether they left: a person decides, or the tenant's policy."""

from pathlib import Path

import pytest

from agents.channels.channel import Outcome
from agents.ledger.unknowns import POLICY, Answer, Ruling, resend_unknown, resolve, unknown_deliveries
from tests.integration.commands import cairn, write_tenant
from tests.integration.ledger.ledger_practice import NOON, Practice, planned


async def lost(practice: Practice) -> str:
    """A mail was handed over and nobody answered."""
    practice.channel.answers = [Outcome(kind="unknown", detail="no answer")]
    await planned(practice)
    await practice.send()
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    (found,) = await unknown_deliveries(practice.pool, tenant="northstar")
    assert (found.channel, found.client, found.name) == ("email", "ana", "30-Day Iron Streak")
    assert found.sending_at is not None
    return found.delivery_id


def ruled(answer: Answer) -> Ruling:
    return Ruling(answer=answer, author="jo", why="she told me")


async def test_a_person_says_that_it_was_sent(practice: Practice) -> None:
    delivery = await lost(practice)
    assert await practice.tasks() == [("undelivered", "lost_in_sending")]
    assert await resolve(practice.pool, delivery, ruled("sent"), now=NOON) == "resolved"
    assert (await practice.states())["email"] == "sent:resolved"
    assert await practice.tasks() == []
    row = await practice.pool.fetchrow("SELECT outcome, reason, detail FROM decisions ORDER BY decision_id DESC")
    assert row is not None
    assert tuple(row) == ("send", "resolved", "by jo")
    assert await practice.pool.fetchval(
        "SELECT resolved_by || ': ' || resolved_why FROM deliveries WHERE channel = 'email'"
    ) == ("jo: she told me")
    assert await resolve(practice.pool, delivery, ruled("resend"), now=NOON) == "not_unknown"
    assert await unknown_deliveries(practice.pool, tenant=None) == ()


async def test_a_person_has_it_sent_once_more_with_the_same_id(practice: Practice) -> None:
    delivery = await lost(practice)
    assert await resolve(practice.pool, delivery, ruled("resend"), now=NOON) == "resolved"
    await practice.send()
    assert (await practice.states())["email"] == "sent"
    assert [message.delivery_id for message in practice.channel.sent] == [delivery, delivery]


async def test_what_is_sent_once_more_is_asked_about_anew(practice: Practice) -> None:
    delivery = await lost(practice)
    await resolve(practice.pool, delivery, ruled("resend"), now=NOON)
    await practice.erase()
    await practice.send()
    assert len(practice.channel.sent) == 1
    assert await practice.pool.fetchval("SELECT resolved_why FROM deliveries WHERE channel = 'email'") is None


async def test_a_person_gives_it_up(practice: Practice) -> None:
    delivery = await lost(practice)
    assert await resolve(practice.pool, delivery, ruled("give-up"), now=NOON) == "resolved"
    await practice.send()
    assert (await practice.states())["email"] == "failed:given_up"
    assert len(practice.channel.sent) == 1


async def test_what_has_expired_is_not_sent_once_more(practice: Practice) -> None:
    delivery = await lost(practice)
    await practice.later(days=3)
    assert await resolve(practice.pool, delivery, ruled("resend"), now=practice.now) == "expired"
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    assert await resolve(practice.pool, delivery, ruled("give-up"), now=practice.now) == "resolved"


@pytest.mark.parametrize("tenant", ["other", "northstar"])
async def test_another_tenants_is_not_touched(practice: Practice, tenant: str) -> None:
    delivery = await lost(practice)
    resolution = await resolve(practice.pool, delivery, ruled("sent"), now=NOON, tenant=tenant)
    assert resolution == ("resolved" if tenant == "northstar" else "not_unknown")


async def resent(practice: Practice, *tenants: str, after_seconds: float = 0.0) -> int:
    async with practice.pool.acquire() as connection, connection.transaction():
        return len(await resend_unknown(connection, tenants=tenants, now=practice.now, after_seconds=after_seconds))


async def test_a_policy_sends_once_more_once_and_after_a_while(practice: Practice) -> None:
    await lost(practice)
    assert await resent(practice) == 0
    assert await resent(practice, "other") == 0
    assert await resent(practice, "northstar", after_seconds=900) == 0
    assert await resent(practice, "northstar") == 1
    assert await practice.pool.fetchval("SELECT resolved_by FROM deliveries WHERE channel = 'email'") == POLICY
    practice.channel.answers = [Outcome(kind="unknown", detail="no answer")]
    await practice.send()
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    assert await resent(practice, "northstar") == 0


async def test_the_commands_list_and_decide(practice: Practice, database: str) -> None:
    settings = {"CAIRN_DATABASE_URL": database}
    assert "Nothing is unknown." in (await cairn("deliveries", "unknown", settings=settings)).out
    delivery = await lost(practice)
    listed = await cairn("deliveries", "unknown", "--tenant", "northstar", settings=settings)
    assert (listed.status, delivery in listed.out, "Iron Streak" in listed.out) == (0, True, True)
    why = ("--reason", "she told me", "--author", "jo")
    refused = await cairn("deliveries", "resolve", delivery, "maybe", *why, settings=settings)
    assert refused.status == 2
    assert (await cairn("deliveries", "resolve", delivery, "sent", settings=settings)).status == 2
    done = await cairn("deliveries", "resolve", delivery, "sent", *why, settings=settings)
    assert (done.status, done.out, done.err) == (0, f"{delivery} counts as sent.", "")
    again = await cairn("deliveries", "resolve", delivery, "resend", *why, settings=settings)
    assert (again.status, "not unknown" in again.err) == (1, True)
    assert (await practice.states())["email"] == "sent:resolved"


async def test_a_suppression_for_a_tenant_that_is_not_there_is_refused(
    database: str, practice: Practice, tmp_path: Path
) -> None:
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_TENANTS_DIR": str(write_tenant(tmp_path / "all"))}
    words = ("suppress", "ana", "--reason", "a loss")
    refused = await cairn(*words, "--tenant", "nortstar", settings=settings)
    assert refused.status == 2
    assert "--tenant: no tenant has this name: the nearest is northstar" in refused.err
    assert await practice.pool.fetchval("SELECT count(*) FROM suppressions") == 0
    assert (await cairn(*words, "--tenant", "northstar", settings=settings)).status == 0
