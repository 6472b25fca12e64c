"""The celebrator on a real database: one transaction a batch, the position in it."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from agents.celebrator import Celebrator
from agents.engine.errors import FencedError, ReseekError
from agents.ledger.brakes import pause, suppress
from agents.tenants import Tenant
from schemas.brake import Pause, Suppression
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone
from schemas.topics import CLIENTS, MILESTONES, client_key
from tests.integration.ledger.ledger_practice import TELLER, Practice, first_session, reached, retracted
from tests.streams.planning.planning_cases import consent

TABLES = ("milestones", "celebrations", "deliveries", "decisions", "inbox", "coach_tasks", "refused_records")


async def counts(practice: Practice) -> dict[str, int]:
    return {table: await practice.pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 - names of this file


async def test_an_in_app_message_that_is_due_is_readable_when_its_batch_is_committed(practice: Practice) -> None:
    await practice.hear(first_session())
    assert len(await practice.inbox()) == 1
    assert await practice.states() == {"in_app": "sent"}
    assert await practice.decisions() == [("in_app", "send", "planned")]


async def test_a_batch_that_comes_twice_changes_nothing(practice: Practice) -> None:
    batch = await practice.hear(first_session(), reached())
    before = await counts(practice)
    with pytest.raises(ReseekError) as raised:
        await practice.apply(batch)
    assert raised.value.expected_offset == 2
    await practice.apply(
        replace(batch, start=2, end=4, records=tuple(replace(r, offset=r.offset + 2) for r in batch.records))
    )
    assert await counts(practice) == before


async def test_a_batch_is_planned_by_the_tenants_that_were_in_force_when_it_began(practice: Practice) -> None:
    asked: list[dict[str, Tenant]] = []

    def tenants() -> dict[str, Tenant]:
        asked.append(dict(practice.tenants))
        practice.set_policy(mode="shadow")
        return asked[-1]

    practice.keepers[MILESTONES] = Celebrator(tenants, TELLER, practice.clock).keeper(practice.pool)
    practice.ends[MILESTONES] = await practice.keepers[MILESTONES].claim(MILESTONES, 0)
    await practice.hear(first_session(), first_session(client="bo"))
    assert len(asked) == 1
    assert len(await practice.inbox()) == 2
    await practice.hear(first_session(client="cy"))
    assert len(await practice.inbox()) == 2


async def test_a_hole_is_read_again_from_where_postgres_stands(practice: Practice) -> None:
    batch = await practice.hear(first_session())
    with pytest.raises(ReseekError) as raised:
        await practice.apply(replace(batch, start=5, end=6))
    assert raised.value.expected_offset == 1


async def test_an_owner_whose_partition_was_claimed_by_another_writes_nothing(practice: Practice) -> None:
    old = practice.keepers[MILESTONES]
    await practice.claim()
    before = await counts(practice)
    batch = practice.batch(MILESTONES, (b"northstar/ana", b"{}"))
    with pytest.raises(FencedError):
        await old.apply(batch)
    assert await counts(practice) == before
    await practice.apply(batch)


async def test_a_log_that_begins_late_is_taken_from_its_beginning(practice: Practice) -> None:
    practice.ends[MILESTONES] = 70
    await practice.hear(first_session())
    assert await practice.keepers[MILESTONES].claim(MILESTONES, 0) == 71


async def test_what_cannot_be_decoded_is_kept_and_the_next_goes_on(practice: Practice) -> None:
    good = first_session()
    batch = practice.batch(MILESTONES, (b"northstar/ana", b"\xff"), (b"northstar/bo", practice_value(good)))
    await practice.apply(batch)
    await practice.hear(reached(tenant="nobody"), good)
    refused = await practice.pool.fetch('SELECT reason, value FROM refused_records ORDER BY "offset"')
    assert [row["reason"] for row in refused] == ["wrong_milestone", "wrong_key", "unknown_tenant"]
    assert refused[0]["value"] == b"\xff"
    assert len(await practice.inbox()) == 1


async def test_a_record_that_the_database_refuses_is_parked_alone(practice: Practice) -> None:
    poison = reached(client="bo", facts={"title": "a\x00b"})
    await practice.hear(
        first_session(), poison, reached("first-goal", "micro", "count", threshold=1, client="cy", facts={})
    )
    assert await practice.pool.fetchval('SELECT array_agg("offset") FROM refused_records') == [1]
    assert await practice.pool.fetchval("SELECT count(*) FROM celebrations") == 2
    assert await practice.keepers[MILESTONES].claim(MILESTONES, 0) == 3


async def test_a_schema_that_does_not_fit_ends_the_process_and_parks_nothing(practice: Practice) -> None:
    await practice.pool.execute("ALTER TABLE decisions RENAME TO judgements")
    with pytest.raises(asyncpg.UndefinedTableError):
        await practice.hear(first_session())
    await practice.pool.execute("ALTER TABLE judgements RENAME TO decisions")
    assert await practice.pool.fetchval("SELECT count(*) FROM refused_records") == 0
    await practice.hear(first_session())
    assert len(await practice.inbox()) == 1


async def test_a_profile_that_cannot_be_read_is_parked_without_its_value(practice: Practice) -> None:
    await practice.apply(practice.batch(CLIENTS, (b"northstar/ana", b'{"email": "no"}'), (b"nobody", b"{}")))
    rows = await practice.pool.fetch('SELECT reason, value FROM refused_records ORDER BY "offset"')
    assert [(row["reason"], row["value"]) for row in rows] == [("wrong_profile", None), ("wrong_key", None)]


async def test_a_retraction_before_sending_withdraws_everything(practice: Practice) -> None:
    graduation = reached("thirty-six", "major", "count", threshold=36)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation)
    assert await practice.tasks() == [("celebrate", "by_hand")]  # no gifts and referrals are set up
    await practice.hear(retracted(graduation))
    assert await practice.states() == {"certificate": "skipped:retracted", "email": "skipped:retracted"}
    assert await practice.tasks() == []
    assert await practice.pool.fetchval("SELECT outcome FROM celebrations") == "withdrawn"


async def test_a_retraction_after_sending_asks_the_coach(practice: Practice) -> None:
    first = first_session()
    await practice.hear(first)
    await practice.hear(retracted(first))
    assert await practice.states() == {"in_app": "sent"}
    assert await practice.tasks() == [("correct", "retracted_after_sending")]


async def test_reached_again_after_a_withdrawal_is_celebrated_once(practice: Practice) -> None:
    streak = reached()
    await practice.hear(streak, retracted(streak))
    assert await practice.states() == {}
    await practice.hear(reached(revision=2))
    await practice.meet()
    await practice.send()
    assert await practice.states() == {"email": "sent", "in_app": "sent"}
    await practice.hear(retracted(reached(revision=2)), reached(revision=3))
    assert len(practice.channel.sent) == 1
    assert ("celebration", "skip", "celebrated_before") in await practice.decisions()


async def test_reached_again_opens_a_withdrawn_celebration(practice: Practice) -> None:
    graduation = reached("thirty-six", "major", "count", threshold=36)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation)
    await practice.hear(retracted(graduation))
    await practice.hear(reached("thirty-six", "major", "count", threshold=36, revision=2))
    assert await practice.states() == {"certificate": "pending", "email": "pending"}
    assert await practice.tasks() == [("celebrate", "by_hand")]


async def test_one_moment_is_celebrated_once_also_within_a_batch(practice: Practice) -> None:
    await practice.hear(
        reached("thirty-six", "major", "count", threshold=36, moment="graduation"),
        reached("graduation", "major", "count", threshold=1, moment="graduation"),
    )
    assert ("email", "skip", "same_moment") in await practice.decisions()
    assert (
        await practice.pool.fetchval("SELECT count(*) FROM deliveries WHERE state = 'pending' AND channel = 'email'")
        == 1
    )


async def test_a_withdrawn_celebration_gives_its_moment_free(practice: Practice) -> None:
    sessions = reached("thirty-six", "major", "count", threshold=36, moment="graduation")
    await practice.hear(sessions)
    await practice.hear(retracted(sessions), reached("graduation", "major", "count", threshold=1, moment="graduation"))
    assert await practice.pool.fetchval("SELECT rule FROM deliveries WHERE state = 'pending'") == "graduation"


async def test_the_second_small_win_of_a_day_waits_for_the_next_day(practice: Practice) -> None:
    await practice.hear(first_session())
    await practice.hear(reached("first-goal", "micro", "count", threshold=1, facts={}))
    assert len(await practice.inbox()) == 1
    await practice.later(hours=13)
    await practice.send()
    assert len(await practice.inbox()) == 2


async def test_in_shadow_mode_everything_is_shown_and_nothing_sent(practice: Practice) -> None:
    practice.set_policy(mode="shadow")
    await practice.meet()
    await practice.hear(first_session(), reached("thirty-six", "major", "count", threshold=36))
    await practice.send()
    assert practice.channel.sent == []
    assert await practice.inbox() == []
    assert await practice.tasks() == []
    assert set(await practice.decisions()) == {
        (part, "skip", "shadow") for part in ("in_app", "email", "certificate", "gift", "referral")
    }


async def test_a_suppressed_client_gets_nothing_and_the_coach_a_task(practice: Practice) -> None:
    await suppress(
        practice.pool,
        tenant="northstar",
        client="ana",
        suppression=Suppression(answer="drop", reason="bereaved"),
        author="jo",
        now=practice.now,
    )
    await practice.hear(reached())
    await practice.send()
    assert await practice.states() == {"email": "skipped:suppressed", "in_app": "skipped:suppressed"}
    assert await practice.tasks() == [("celebrate", "suppressed")]


async def test_what_is_paused_is_planned_and_held(practice: Practice) -> None:
    await pause(practice.pool, Pause(channel="email", reason="wording is checked"), author="jo")
    await practice.hear(reached())
    assert await practice.states() == {"email": "held:paused", "in_app": "sent"}


async def test_a_profile_replaces_the_older_one_only(practice: Practice) -> None:
    await practice.meet(timezone="Europe/Vienna")
    await practice.meet(timezone="Asia/Tokyo")
    stored = await practice.pool.fetchrow("SELECT profile ->> 'timezone' AS zone, source_offset FROM clients")
    assert (stored["zone"], stored["source_offset"]) == ("Asia/Tokyo", 1)


async def test_an_erased_client_stays_erased(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session(), reached())
    await practice.erase()
    await practice.meet()
    await practice.hear(reached("first-goal", "micro", "count", threshold=1, facts={}))
    await practice.send()
    row = await practice.pool.fetchrow("SELECT profile, erased_at FROM clients")
    assert row["profile"] is None
    assert row["erased_at"] is not None
    assert await practice.inbox() == []
    assert practice.channel.sent == []
    assert await practice.tasks() == []


async def test_a_name_and_an_address_stand_in_one_table_only(practice: Practice) -> None:
    await practice.meet(name="Anastasia")
    await practice.hear(reached(), reached("thirty-six", "major", "count", threshold=36))
    await practice.send()
    tables = await practice.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    holding = []
    for (table,) in tables:
        find = f"SELECT count(*) FROM {table} t WHERE t::text ~* 'anastasia|clients.example'"  # noqa: S608 - the catalogue's own names
        if await practice.pool.fetchval(find):
            holding.append(table)
    assert sorted(set(holding) - {"inbox"}) == ["clients"]


async def test_two_thousand_milestones_are_planned_and_each_is_there_once(practice: Practice) -> None:
    many = [first_session(client=f"c{n}") for n in range(2000)]
    await practice.hear(*many)
    assert await practice.pool.fetchval("SELECT count(DISTINCT client) FROM inbox") == 2000


async def test_decisions_can_only_be_added(practice: Practice) -> None:
    await practice.hear(first_session())
    for statement in ("UPDATE decisions SET reason = 'x'", "DELETE FROM decisions", "TRUNCATE decisions"):
        with pytest.raises(Exception, match="append-only"):
            await practice.pool.execute(statement)


async def test_a_lost_database_is_waited_for(practice: Practice) -> None:
    batch = practice.batch(MILESTONES, (client_key("northstar", "ana"), practice_value(first_session())))
    end_those_that_wait = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with practice.pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE celebrations IN ACCESS EXCLUSIVE MODE")
        applying = asyncio.create_task(practice.apply(batch))
        ended = 0
        async with asyncio.timeout(30):
            while not ended:
                assert not applying.done()
                ended = await practice.pool.fetchval(end_those_that_wait)
    async with asyncio.timeout(30):
        await applying
    assert len(await practice.inbox()) == 1


def practice_value(milestone: Milestone) -> bytes:
    return encode_milestone(milestone)[0]
