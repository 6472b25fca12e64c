"""What delivery parked is applied when people ask for it: once, in order, and beside nothing."""

import asyncio
from dataclasses import replace

import pytest

from agents.celebrator import Celebrator
from agents.engine.logic import Record
from agents.ledger.parked import ask_for, asked_for, parked, parked_by_reason
from agents.ledger.positions import hold_position
from agents.profiles import write_profiles
from agents.reapplier import Reapplier
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone, heard_header
from schemas.topics import CLIENTS, MILESTONES, client_key
from tests.integration.ledger.ledger_practice import (
    HEARD_MS,
    NOON,
    TELLER,
    FakeRecord,
    Practice,
    first_session,
    reached,
    retracted,
)

NEXT_OFFSET = "SELECT next_offset FROM positions WHERE topic = $1"


class Topic:
    """The clients topic, as far as it is still there."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}

    async def read_back(self, _topic: str, _partition: int, offset: int) -> Record | None:
        return self.records.get(offset)


@pytest.fixture
def topic() -> Topic:
    return Topic()


def reapplier(practice: Practice, topic: Topic) -> Reapplier:
    celebrator = Celebrator(lambda: practice.tenants, TELLER, practice.clock)
    return Reapplier(
        practice.pool, {CLIENTS: write_profiles, MILESTONES: celebrator.write}, topic.read_back, interval_seconds=0.05
    )


async def hear_too_early(practice: Practice, *milestones: Milestone) -> None:
    """Milestones arrive before their tenant's folder does."""
    northstar = practice.tenants.pop("northstar")
    await practice.hear(*milestones)
    practice.tenants["northstar"] = northstar


async def ask(practice: Practice) -> int:
    return await ask_for(practice.pool, [(p.topic, p.partition, p.offset) for p in await parked(practice.pool)])


async def test_a_milestone_of_a_tenant_that_was_unknown_is_celebrated_when_asked_for(
    practice: Practice, topic: Topic
) -> None:
    await practice.meet()
    await hear_too_early(practice, first_session())
    assert await parked_by_reason(practice.pool) == {(MILESTONES, "unknown_tenant"): 1}
    await reapplier(practice, topic).look()
    assert await practice.inbox() == []
    assert await ask(practice) == 1
    await reapplier(practice, topic).look()
    assert len(await practice.inbox()) == 1
    assert await practice.decisions() == [("in_app", "send", "planned")]
    assert await parked(practice.pool) == ()


async def test_replaying_twice_celebrates_once(practice: Practice, topic: Topic) -> None:
    await practice.meet()
    await hear_too_early(practice, reached())
    for _ in range(2):
        await ask(practice)
        await reapplier(practice, topic).look()
        await practice.send()
    assert (len(practice.channel.sent), len(await practice.inbox())) == (1, 1)


async def test_two_processes_that_look_at_once_celebrate_once(practice: Practice, topic: Topic) -> None:
    await practice.meet()
    await hear_too_early(practice, *(first_session(client=f"c{n}") for n in range(300)))
    await ask(practice)
    while await asked_for(practice.pool):
        await asyncio.gather(*(reapplier(practice, topic).look() for _ in range(4)))
    assert await practice.pool.fetchval("SELECT count(*) FROM inbox") == 300
    assert await practice.pool.fetchval("SELECT count(*) FROM decisions") == 300


async def test_the_position_stays_and_the_next_batch_fits(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session())
    before = await practice.pool.fetchval(NEXT_OFFSET, MILESTONES)
    await ask(practice)
    await reapplier(practice, topic).look()
    assert await practice.pool.fetchval(NEXT_OFFSET, MILESTONES) == before == 1
    await practice.hear(reached())
    assert len(await practice.inbox()) == 2


async def test_a_rewound_topic_after_a_replay_changes_nothing(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session())
    await ask(practice)
    await reapplier(practice, topic).look()
    await practice.pool.execute("UPDATE positions SET next_offset = 0 WHERE topic = $1", MILESTONES)
    await practice.claim()
    await practice.hear(first_session())
    assert len(await practice.inbox()) == 1
    assert len(await practice.decisions()) == 1


async def test_what_came_meanwhile_in_a_newer_revision_is_not_undone(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session())
    newer = first_session(revision=2)
    await practice.hear(newer, retracted(newer))
    await ask(practice)
    await reapplier(practice, topic).look()
    assert await practice.inbox() == []
    assert await parked(practice.pool) == ()


async def test_a_retraction_that_is_parked_behind_its_milestone_keeps_it_from_being_sent(
    practice: Practice, topic: Topic
) -> None:
    await practice.meet()
    await hear_too_early(practice, first_session(), reached(), retracted(first_session()))
    await ask(practice)
    await reapplier(practice, topic).look()
    shown = await practice.pool.fetch("SELECT rule FROM inbox JOIN deliveries ON delivery_id = item_id")
    assert [row["rule"] for row in shown] == ["iron-streak"]
    assert ("celebration", "withdraw", "retracted") in await practice.decisions()


async def test_what_is_refused_again_stays_and_waits_until_it_is_asked_for_anew(
    practice: Practice, topic: Topic
) -> None:
    await hear_too_early(practice, first_session())
    await practice.hear(reached())
    await ask(practice)
    northstar = practice.tenants.pop("northstar")
    await reapplier(practice, topic).look()
    assert await asked_for(practice.pool) == ()
    (still,) = await parked(practice.pool)
    assert (still.reason, still.is_asked_for) == ("unknown_tenant", False)
    practice.tenants["northstar"] = northstar
    await ask(practice)
    await reapplier(practice, topic).look()
    assert len(await practice.inbox()) == 2


async def test_one_that_the_database_refuses_holds_up_no_other(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session(), reached(threshold=30, client="b\x00b"), first_session(client="eve"))
    await ask(practice)
    await reapplier(practice, topic).look()
    assert len(await practice.inbox()) == 2
    (culprit,) = await parked(practice.pool)
    assert (culprit.offset, culprit.reason, culprit.is_asked_for) == (1, "unusable", False)


async def test_an_owner_that_applies_a_batch_is_waited_for(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session())
    await ask(practice)
    async with practice.pool.acquire() as owner, owner.transaction():
        await hold_position(owner, MILESTONES, 0)
        looking = asyncio.create_task(reapplier(practice, topic).look())
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(20):
            while not await practice.pool.fetchval(waits):
                assert not looking.done()
        assert await practice.inbox() == []
    await looking
    assert len(await practice.inbox()) == 1


async def test_a_parked_milestone_is_as_old_as_its_event(practice: Practice, topic: Topic) -> None:
    northstar = practice.tenants.pop("northstar")
    value, headers = encode_milestone(first_session(caused_by="evt-1"))
    record = FakeRecord(
        offset=0,
        key=client_key("northstar", "ana"),
        value=value,
        headers=(*headers, heard_header(HEARD_MS - 1_000), ("empty", None)),
    )
    await practice.apply(replace(practice.batch(MILESTONES, (b"", b"")), records=(record,)))
    practice.tenants["northstar"] = northstar
    (kept,) = await parked(practice.pool)
    assert (kept.key, kept.value, kept.headers, kept.timestamp) == (record.key, value, record.headers, HEARD_MS)
    await ask(practice)
    await reapplier(practice, topic).look()
    heard_at = await practice.pool.fetchval("SELECT heard_at FROM milestones")
    assert round(heard_at.timestamp() * 1000) == HEARD_MS - 1_000


async def test_one_parked_by_an_older_release_is_as_old_as_its_parking(practice: Practice, topic: Topic) -> None:
    await hear_too_early(practice, first_session())
    await practice.pool.execute("UPDATE refused_records SET headers = NULL, appended_ms = NULL")
    await ask(practice)
    await reapplier(practice, topic).look()
    assert len(await practice.inbox()) == 1


async def test_what_has_expired_meanwhile_is_closed_and_not_sent(practice: Practice, topic: Topic) -> None:
    await practice.meet()
    await hear_too_early(practice, reached())
    practice.now = NOON.replace(month=7)
    await ask(practice)
    await reapplier(practice, topic).look()
    await practice.send()
    assert (practice.channel.sent, await practice.inbox()) == ([], [])


async def refuse_profiles(practice: Practice, topic: Topic, *values: bytes | None) -> None:
    """Profiles come while the database takes none of them."""
    await practice.pool.execute("ALTER TABLE clients ADD CONSTRAINT none CHECK (profile IS NULL) NOT VALID")
    batch = practice.batch(CLIENTS, *((client_key("northstar", "ana"), value) for value in values))
    topic.records |= {record.offset: record for record in batch.records}
    await practice.apply(batch)
    await practice.pool.execute("ALTER TABLE clients DROP CONSTRAINT none")


async def test_a_parked_profile_is_read_again_from_its_topic(practice: Practice, topic: Topic) -> None:
    await refuse_profiles(practice, topic, b'{"name": "Ana", "timezone": "Asia/Tokyo"}')
    (kept,) = await parked(practice.pool)
    assert (kept.topic, kept.reason, kept.value, kept.headers) == (CLIENTS, "unusable", None, ())
    await ask(practice)
    await reapplier(practice, topic).look()
    assert await practice.pool.fetchval("SELECT profile ->> 'timezone' FROM clients") == "Asia/Tokyo"
    assert await parked(practice.pool) == ()


async def test_a_parked_profile_replaces_no_newer_one_and_brings_nobody_back(practice: Practice, topic: Topic) -> None:
    await refuse_profiles(practice, topic, b'{"timezone": "Asia/Tokyo"}')
    await practice.meet(timezone="Europe/Vienna")
    await ask(practice)
    await reapplier(practice, topic).look()
    assert await practice.pool.fetchval("SELECT profile ->> 'timezone' FROM clients") == "Europe/Vienna"
    await refuse_profiles(practice, topic, b'{"timezone": "Asia/Tokyo"}')
    await practice.erase()
    await ask(practice)
    await reapplier(practice, topic).look()
    assert await practice.pool.fetchval("SELECT profile FROM clients") is None
    assert await parked(practice.pool) == ()


async def test_a_profile_that_its_topic_holds_no_more_is_done_with_only_when_a_newer_one_came(
    practice: Practice, topic: Topic
) -> None:
    await refuse_profiles(practice, topic, b'{"timezone": "Asia/Tokyo"}')
    await practice.apply(practice.batch(CLIENTS, (b"nobody", b"{}")))
    topic.records.clear()
    await ask(practice)
    await reapplier(practice, topic).look()
    kept = await parked(practice.pool)
    assert [(p.offset, p.is_asked_for, "publish the profile again" in p.detail) for p in kept] == [
        (0, False, True),
        (1, False, True),
    ]
    await practice.meet()
    await ask(practice)
    await reapplier(practice, topic).look()
    assert [p.offset for p in await parked(practice.pool)] == [1]


async def test_the_loop_applies_what_is_asked_for_while_it_runs(practice: Practice, topic: Topic) -> None:
    running = asyncio.create_task(reapplier(practice, topic).run())
    await hear_too_early(practice, first_session())
    await ask(practice)
    async with asyncio.timeout(20):
        while not await practice.inbox():  # noqa: ASYNC110 - the database gives no event
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
