"""The point of no return on a real database: nothing leaves on what is no longer so."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from agents.channels.channel import Outcome
from agents.ledger.brakes import pause, suppress
from agents.ledger.clients import opt_out
from agents.ledger.deliveries import Claimed, Ready, begin_sending, claim, read_facts, ready_of
from schemas.brake import Pause, Suppression
from tests.integration.ledger.ledger_practice import NOON, Practice, planned, reached

_CELEBRATED = "SELECT celebrated_at FROM celebrations"
_CAPPED = {"nudge": {"channels": ["email"], "cap": {"per_week": 1}, "expires": "30d", "quiet": "send"}}


def once(practice: Practice, change: Callable[[], Awaitable[object]]) -> None:
    """Let something happen while the first mail is offered to its server, and never again."""

    async def happen() -> None:
        practice.channel.before.clear()
        await change()

    practice.channel.before.append(happen)


async def claimed_and_read(practice: Practice) -> tuple[Claimed, Ready]:
    (claimed,) = await claim(practice.pool, channel="email", now=practice.now, limit=1, lease_seconds=60)
    facts = await read_facts(practice.pool, [claimed], practice.now - timedelta(days=9))
    ready = ready_of(facts[claimed.delivery_id])
    return claimed, ready


async def begun(practice: Practice, claimed: Claimed, ready: Ready) -> bool:
    return await begin_sending(practice.pool, claimed, ready, lease_seconds=60, now=practice.now)


async def test_what_is_as_it_was_read_goes_and_takes_its_slot(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached("lapse-nudge", "nudge"))
    claimed, ready = await claimed_and_read(practice)
    assert await practice.pool.fetchval(_CELEBRATED) is None
    assert await begun(practice, claimed, ready)
    assert await practice.pool.fetchval(_CELEBRATED) == practice.now
    assert not await begun(practice, claimed, ready)


async def test_a_mail_goes_to_the_address_that_the_client_has_now(practice: Practice) -> None:
    await planned(practice)
    once(practice, lambda: practice.meet(email="new@clients.example"))
    await practice.sender().flush()
    assert [message.to_address for message in practice.channel.sent] == ["new@clients.example"]


async def test_consent_that_is_withdrawn_while_a_mail_is_offered_stops_it(practice: Practice) -> None:
    await planned(practice)
    refused = {"granted": False, "source": "form", "at": NOON.isoformat()}
    once(practice, lambda: practice.meet(consents={"service": refused}))
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:no_consent"


@pytest.mark.parametrize(
    ("stop", "state"),
    [
        (lambda pool: pause(pool, Pause(tenant="northstar", reason="audit"), author="jo"), "held:paused"),
        (
            lambda pool: suppress(
                pool,
                tenant="northstar",
                client="ana",
                suppression=Suppression(answer="drop", reason="grief"),
                author="jo",
                now=NOON,
            ),
            "skipped:suppressed",
        ),
        (
            lambda pool: opt_out(pool, tenant="northstar", client="ana", channel="email", source="page"),
            "skipped:opted_out",
        ),
    ],
)
async def test_who_stops_a_mail_while_it_is_offered_has_stopped_it(
    practice: Practice, stop: Callable[[object], Awaitable[object]], state: str
) -> None:
    await planned(practice)
    once(practice, lambda: stop(practice.pool))
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == state


async def test_a_pause_that_is_not_yet_committed_is_waited_for(practice: Practice) -> None:
    await planned(practice)
    claimed, ready = await claimed_and_read(practice)
    async with practice.pool.acquire() as pausing, pausing.transaction():
        await pausing.execute("INSERT INTO pauses (tenant, reason, author) VALUES ('northstar', 'audit', 'jo')")
        await pausing.execute("UPDATE deliveries SET reason = 'paused' WHERE state = 'pending'")
        beginning = asyncio.create_task(begun(practice, claimed, ready))
        async with asyncio.timeout(30):
            while not await practice.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not beginning.done()
    assert not await beginning


async def test_of_two_mails_that_want_one_slot_one_goes(practice: Practice) -> None:
    practice.set_policy(tiers=_CAPPED)
    await practice.meet()
    await practice.hear(*(reached(rule, "nudge", "lapse", threshold=None, value=1) for rule in ("one", "two")))
    await practice.pool.execute("UPDATE deliveries SET due_at = $1, state = 'pending', reason = NULL", NOON)
    first, second = await claimed_and_read(practice), await claimed_and_read(practice)
    assert sorted(await asyncio.gather(begun(practice, *first), begun(practice, *second))) == [False, True]
    assert await practice.pool.fetchval("SELECT count(*) FROM celebrations WHERE celebrated_at IS NOT NULL") == 1


async def test_the_message_in_the_app_does_not_stop_the_mail_of_the_same_celebration(practice: Practice) -> None:
    await planned(practice)
    await practice.pool.execute("UPDATE deliveries SET state = 'pending', reason = NULL WHERE channel = 'in_app'")
    await practice.pool.execute("UPDATE celebrations SET celebrated_at = NULL")
    claimed, ready = await claimed_and_read(practice)
    await practice.sender("in_app").flush()
    assert await practice.pool.fetchval(_CELEBRATED) == practice.now
    assert await begun(practice, claimed, ready)


@pytest.mark.parametrize("elsewhere", [{"tenant": "other"}, {"channel": "sms"}, {"rule": "another-rule"}])
async def test_a_pause_that_does_not_concern_a_mail_does_not_stop_it(
    practice: Practice, elsewhere: dict[str, str]
) -> None:
    await planned(practice)
    claimed, ready = await claimed_and_read(practice)
    await pause(practice.pool, Pause(reason="audit", **elsewhere), author="jo")
    assert await begun(practice, claimed, ready)


async def test_what_changed_is_asked_about_at_once_and_not_when_the_lease_ends(practice: Practice) -> None:
    await planned(practice)
    claimed, ready = await claimed_and_read(practice)
    await practice.meet(email="new@clients.example")
    assert not await begun(practice, claimed, ready)
    await practice.send()
    assert [message.to_address for message in practice.channel.sent] == ["new@clients.example"]


async def test_a_mail_that_was_not_taken_has_taken_no_slot(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached("lapse-nudge", "nudge"))
    practice.channel.answers = [Outcome(kind="retry", detail="421 busy")]
    await practice.send()
    assert await practice.states() == {"email": "deferred:provider_away"}
    assert await practice.pool.fetchval(_CELEBRATED) is None


async def test_an_erased_client_gets_nothing_that_was_being_offered(practice: Practice) -> None:
    await planned(practice)
    once(practice, practice.erase)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:erased"
