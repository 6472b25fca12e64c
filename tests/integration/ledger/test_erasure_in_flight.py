"""Who is erased while a message is on its way leaves no open task and no words behind."""

import asyncio

import pytest

from agents.channels.channel import Message, Outcome, OutcomeKind, PointOfNoReturn
from tests.integration.ledger.ledger_practice import Practice, RecordingChannel, planned, reached, retracted
from tests.integration.ledger.test_one_message import goal, graduation


class ErasingChannel(RecordingChannel):
    """The client is erased after the message is handed over, and before its provider answers."""

    def __init__(self, practice: Practice, kind: OutcomeKind) -> None:
        super().__init__()
        self._practice = practice
        self._kind: OutcomeKind = kind

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        del message
        assert await point_of_no_return()
        await self._practice.erase()
        return Outcome(kind=self._kind, detail="550 5.1.1 <ana@clients.example> unknown")


class RefusingChannel(RecordingChannel):
    """Its provider refuses before anything can have left."""

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        del message, point_of_no_return
        return Outcome(kind="rejected", detail="550 no such user")


async def details(practice: Practice) -> list[str]:
    return [row["detail"] for row in await practice.pool.fetch("SELECT detail FROM decisions WHERE detail IS NOT NULL")]


@pytest.mark.parametrize(("kind", "state"), [("rejected", "failed:rejected"), ("unknown", "unknown:lost_in_sending")])
async def test_what_a_provider_answers_after_the_erasure_is_a_state_and_no_more(
    practice: Practice, kind: OutcomeKind, state: str
) -> None:
    await practice.meet()
    practice.channel = ErasingChannel(practice, kind)
    await practice.hear(graduation())
    await practice.send()
    await practice.sweep()
    assert (await practice.states())["email"] == state
    assert await practice.tasks() == []
    assert await details(practice) == []
    assert ("email", "task", state.partition(":")[2]) in await practice.decisions()


async def test_nobody_is_asked_about_an_erased_client_whose_sender_died(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(graduation())
    await practice.pool.execute("UPDATE deliveries SET state = 'sending', lease_until = now() WHERE channel = 'email'")
    await practice.erase()
    await practice.sweep()
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    assert await practice.tasks() == []


async def test_an_erasure_waits_for_the_sweep_that_asks_about_the_client(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(graduation())
    await practice.pool.execute("UPDATE deliveries SET state = 'sending', lease_until = now() WHERE channel = 'email'")
    async with practice.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE deliveries SET reason = 'lost_in_sending' WHERE state = 'sending'")
        erasing = asyncio.create_task(practice.erase())
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not erasing.done()
            await asyncio.sleep(0.01)
        await connection.execute(
            "INSERT INTO coach_tasks (tenant, client, kind, reason, summary, minutes, planned_at)"
            " VALUES ('northstar', 'ana', 'undelivered', 'lost_in_sending', 'thirty-six', 2, now())"
        )
    await erasing
    assert await practice.tasks() == []
    assert await practice.pool.fetchval("SELECT summary FROM coach_tasks") == "erased"


async def test_a_milestone_after_the_erasure_is_kept_without_its_facts(practice: Practice) -> None:
    await practice.meet()
    await practice.erase()
    await practice.hear(goal())
    record = await practice.pool.fetchval("SELECT record FROM milestones")
    assert "Run 5 km" not in record
    assert "first-goal" in record


async def test_what_is_withdrawn_after_the_erasure_asks_nobody_to_correct_it(practice: Practice) -> None:
    await planned(practice)
    await practice.send()
    await practice.erase()
    await practice.hear(retracted(reached()))
    assert await practice.tasks() == []
    assert (
        await practice.pool.fetchval("SELECT outcome FROM decisions WHERE reason = 'retracted_after_sending'") == "skip"
    )


async def test_a_lead_that_cannot_go_ends_before_or_after_a_follower_is_planned(practice: Practice) -> None:
    await planned(practice)
    practice.channel = RefusingChannel()
    async with practice.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM clients FOR SHARE")  # as the celebrator does while it plans
        sending = asyncio.create_task(practice.sender().flush())
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not sending.done(), "the outcome was recorded beside the plan"
            await asyncio.sleep(0.01)
        assert (await practice.states())["email"] == "pending"
    await sending
    assert (await practice.states())["email"] == "failed:rejected"
