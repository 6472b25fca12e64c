"""Races on a real database: two who act at the same moment leave one story, whoever comes first."""

import asyncio
from datetime import timedelta

from agents.ledger.brakes import pause, resume
from agents.ledger.clients import opt_out
from agents.ledger.deliveries import begin_sending, claim, read_facts, ready_of
from schemas.brake import Pause
from tests.integration.ledger.ledger_practice import Practice, planned, reached, retracted

EVERYTHING = {"tenant": None, "channel": None, "rule": None}
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND pid <> pg_backend_pid()"
)


async def _until_blocked(practice: Practice, times: int, *work: asyncio.Task[object]) -> None:
    """Wait until so many connections wait for a lock, or one of `work` did not have to."""
    async with asyncio.timeout(30):
        while await practice.pool.fetchval(_WAITING) < times and not any(task.done() for task in work):
            pass


async def test_an_in_app_message_is_either_paused_or_shown_and_never_both(practice: Practice) -> None:
    await practice.meet()
    await pause(practice.pool, Pause(**EVERYTHING, reason="audit"), author="jo")
    await practice.hear(reached())
    await resume(practice.pool, **EVERYTHING, author="jo", now=practice.now)
    async with practice.pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("SELECT FROM celebrations FOR UPDATE")
        showing = asyncio.create_task(practice.sender("in_app").flush())
        await _until_blocked(practice, 1)
        pausing = asyncio.create_task(pause(practice.pool, Pause(**EVERYTHING, reason="audit"), author="jo"))
        await _until_blocked(practice, 2, pausing)
    await asyncio.gather(showing, pausing)
    is_shown = bool(await practice.inbox())
    assert ((await practice.states())["in_app"] == "sent") is is_shown


async def test_a_mail_never_leaves_while_its_milestone_is_taken_back(practice: Practice) -> None:
    await practice.meet()
    milestone = reached("lapse-nudge", "nudge")
    await practice.hear(milestone)
    (claimed,) = await claim(practice.pool, channel="email", now=practice.now, limit=1, lease_seconds=60)
    facts = await read_facts(practice.pool, [claimed], practice.now - timedelta(days=9))
    ready = ready_of(facts[claimed.delivery_id])
    async with practice.pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE pauses IN ACCESS EXCLUSIVE MODE")
        taking_back = asyncio.create_task(practice.hear(retracted(milestone)))
        await _until_blocked(practice, 1)
        beginning = asyncio.create_task(
            begin_sending(practice.pool, claimed, ready, lease_seconds=60, now=practice.now)
        )
        await _until_blocked(practice, 2, beginning)
    _, begun = await asyncio.gather(taking_back, beginning)
    assert not begun
    assert await practice.states() == {"email": "skipped:retracted"}


async def test_a_client_who_leaves_a_channel_stops_the_mail_that_was_already_asked_about(practice: Practice) -> None:
    await planned(practice)

    async def leave() -> None:
        await opt_out(practice.pool, tenant="northstar", client="ana", channel="email", source="page")

    practice.channel.before.append(leave)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:opted_out"


async def test_a_later_revision_takes_back_the_parts_that_it_does_not_plan(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached("lapse-nudge", "nudge"))
    await practice.hear(reached("lapse-nudge", "micro", revision=2))
    await practice.send()
    assert practice.channel.sent == []
    assert await practice.states() == {"email": "skipped:retracted", "in_app": "sent"}
