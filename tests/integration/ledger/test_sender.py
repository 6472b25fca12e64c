"""Senders on a real database: asked once more, sent at most once, and recorded as it was."""

import asyncio
from datetime import timedelta

import pytest

from agents.channels.channel import Outcome
from agents.ledger.deliveries import begin_sending, claim, read_facts, ready_of
from agents.sender import Sender, SenderLimits
from agents.wakeup import Wakeup
from streams.planning.backoff import MAX_ATTEMPTS
from tests.integration.ledger.ledger_practice import NOON, Practice, planned, reached, retracted


async def test_a_mail_goes_out_once_with_everything_it_needs(practice: Practice) -> None:
    await planned(practice)
    await practice.send()
    await practice.send()
    (message,) = practice.channel.sent
    assert message.to_address == "ana@clients.example"
    assert message.reply_to == "jo@northstar.example"
    assert (message.unsubscribe_url or "").startswith("https://x.example/u/")
    assert "30" in message.subject + message.text
    assert message.inline
    assert await practice.states() == {"email": "sent", "in_app": "sent"}
    assert await practice.pool.fetchval("SELECT provider_id FROM deliveries WHERE channel = 'email'") == "q1"


async def test_of_two_senders_one_sends(practice: Practice) -> None:
    for number in range(20):
        await practice.meet(f"c-{number}")
    await practice.hear(*(reached(client=f"c-{number}") for number in range(20)))
    await asyncio.gather(practice.sender().flush(), practice.sender().flush())
    assert len({message.delivery_id for message in practice.channel.sent}) == len(practice.channel.sent) == 20


async def test_a_crash_between_sending_and_recording_is_unknown_and_never_resent(practice: Practice) -> None:
    await planned(practice)
    (claimed,) = await claim(practice.pool, channel="email", now=NOON, limit=9, lease_seconds=60)
    facts = await read_facts(practice.pool, [claimed], NOON - timedelta(days=9))
    ready = ready_of(facts[claimed.delivery_id])
    assert await begin_sending(practice.pool, claimed, ready, lease_seconds=60, now=NOON)
    await practice.sweep()
    assert (await practice.states())["email"] == "sending"
    await practice.leases_end()
    await practice.sweep()
    await practice.send()
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    assert practice.channel.sent == []
    assert await practice.tasks() == [("undelivered", "lost_in_sending")]


async def test_a_claim_whose_sender_died_is_taken_again(practice: Practice) -> None:
    await planned(practice)
    await claim(practice.pool, channel="email", now=NOON, limit=9, lease_seconds=60)
    await practice.send()
    assert practice.channel.sent == []
    await practice.leases_end()
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_sender_that_slept_through_its_lease_sends_nothing(practice: Practice) -> None:
    await planned(practice)
    seen: list[int] = []

    async def sleep_through_it_once() -> None:
        if not seen:
            await practice.leases_end()
        seen.append(len(practice.channel.sent))

    practice.channel.before.append(sleep_through_it_once)
    await practice.sender().flush()
    assert seen == [0, 0]
    assert len(practice.channel.sent) == 1


async def test_a_retraction_between_claim_and_point_of_no_return_stops_it(practice: Practice) -> None:
    await planned(practice)

    async def withdraw() -> None:
        await practice.hear(retracted(reached()))

    practice.channel.before.append(withdraw)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:retracted"


async def test_a_retry_is_bounded_and_then_a_person_takes_over(practice: Practice) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind="retry", detail="421 busy")] * (MAX_ATTEMPTS + 12)
    for _ in range(MAX_ATTEMPTS + 4):
        await practice.send()
        await practice.later(seconds=1)
    assert (await practice.states())["email"] == "failed:provider_away"
    assert len(practice.channel.answers) == 12
    assert await practice.tasks() == [("undelivered", "provider_away")]


async def test_a_retry_waits_in_real_time(practice: Practice) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind="retry", detail="421 busy")]
    await practice.send()
    await practice.send()
    assert (await practice.states())["email"] == "deferred:provider_away"
    await practice.later(seconds=1)
    await practice.send()
    assert len(practice.channel.sent) == 1


@pytest.mark.parametrize(("kind", "state"), [("rejected", "failed:rejected"), ("unknown", "unknown:lost_in_sending")])
async def test_a_final_answer_is_not_repeated(practice: Practice, kind: str, state: str) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind=kind, detail="550 no such user")]
    await practice.send()
    await practice.later(minutes=5)
    await practice.send()
    assert len(practice.channel.sent) == 1
    assert (await practice.states())["email"] == state
    assert len(await practice.tasks()) == 1


async def test_a_channel_that_breaks_before_the_point_of_no_return_is_tried_again(practice: Practice) -> None:
    await planned(practice)

    async def broken() -> None:
        raise RuntimeError("a bug")

    practice.channel.before.append(broken)
    await practice.sender().flush()
    assert (await practice.states())["email"] == "deferred:provider_away"
    practice.channel.before.clear()
    await practice.later(minutes=1)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_one_hanging_recipient_delays_nobody(practice: Practice) -> None:
    hanging = asyncio.Event()
    first = True

    async def hang_once() -> None:
        nonlocal first
        if first:
            first = False
            await hanging.wait()

    practice.channel.before.append(hang_once)
    await practice.meet("bo")
    await planned(practice)
    for number in range(30):
        await practice.meet(f"c-{number}")
    await practice.hear(*(reached(client=f"c-{number}") for number in range(30)))
    wakeup = Wakeup("").waiter()
    limits = SenderLimits(in_flight=4, poll_seconds=0.05, drain_seconds=0.0)
    sender = Sender(
        "email",
        pool=practice.pool,
        attempts=practice.attempts("email"),
        wakeup=wakeup,
        now=practice.clock,
        limits=limits,
    )
    running = asyncio.create_task(sender.run())
    async with asyncio.timeout(30):
        while len(practice.channel.sent) < 30:
            await asyncio.sleep(0)
            assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(practice.channel.sent) == 30


async def test_a_sender_that_is_woken_and_told_to_stop_at_once_stops(practice: Practice) -> None:
    wakeup = Wakeup("").waiter()
    running = asyncio.create_task(
        Sender(
            "email",
            pool=practice.pool,
            attempts=practice.attempts("email"),
            wakeup=wakeup,
            now=practice.clock,
            limits=SenderLimits(poll_seconds=3600),
        ).run()
    )
    async with asyncio.timeout(30):
        while not wakeup._waiters:  # noqa: ASYNC110 - it sleeps, seen from outside
            await asyncio.sleep(0.01)
    wakeup.set()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done == {running}
    assert running.cancelled()


async def test_a_planned_mail_wakes_its_sender(practice: Practice, database: str) -> None:
    wakeup = Wakeup(database)
    listening = asyncio.create_task(wakeup.run())
    waiter = wakeup.waiter()
    async with asyncio.timeout(30):
        await waiter.wait()
    sender = Sender(
        "email",
        pool=practice.pool,
        attempts=practice.attempts("email"),
        wakeup=waiter,
        now=practice.clock,
        limits=SenderLimits(poll_seconds=3600),
    )
    sending = asyncio.create_task(sender.run())
    await planned(practice)
    async with asyncio.timeout(30):
        await practice.channel.first_sent.wait()
    for task in (sending, listening):
        task.cancel()
    await asyncio.gather(sending, listening, return_exceptions=True)


async def test_facts_that_cannot_be_read_keep_nobody_elses_mail_back(practice: Practice) -> None:
    for client in ("ana", "ben", "eve"):
        await practice.meet(client, consents={"service": {"granted": True, "source": "signup", "at": NOON.isoformat()}})
    await practice.hear(*(reached(client=client) for client in ("ana", "ben", "eve")))
    spoilt = """UPDATE clients SET profile = jsonb_set(profile, '{consents,service,at}', '"some day"')
                WHERE client = 'ben'"""
    wished = """INSERT INTO consent_wishes (tenant, client, kind, granted, source, author, wished_at)
                VALUES ('northstar', 'ben', 'service', true, 'page', 'client', now())"""
    async with practice.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # nobody writes such a profile
        await connection.execute(spoilt)
        await connection.execute(wished)
    await practice.send()
    assert {message.to_address for message in practice.channel.sent} == {"ana@clients.example", "eve@clients.example"}
    states = "SELECT client, state FROM deliveries WHERE channel = 'email'"
    assert dict(await practice.pool.fetch(states)) == {"ana": "sent", "ben": "pending", "eve": "sent"}
