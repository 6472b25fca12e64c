"""`cairn clients link` on a real broker, database and tracker: two clients become one person, with one past."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.stored_state import read_stored
from schemas.topics import STATE_CHANGELOG
from tests.integration.history.stage import STRUCTURED, Said, Stage, habit

RULES = """
version: 1
rules:
  - {id: run-six, tier: streak, when: {streak: habit.checked, per: habit_id, days: [6]}, repeat: per-streak}
  - {id: two, tier: micro, when: {count: habit.checked, reaches: [5, 6]}}
"""


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database)
    pool = await connect(database, max_connections=2)
    yield pool
    await pool.close()


@pytest.fixture
def environment(database: str) -> dict[str, str]:
    return {"CAIRN_DATABASE_URL": database}


async def met(stage: Stage, pool: Pool, *clients: str) -> None:
    """Delivery has heard of them."""
    for client in clients:
        await pool.execute("INSERT INTO clients (tenant, client) VALUES ($1, $2)", stage.tenant, client)


async def link(stage: Stage, environment: dict[str, str], *more: str, into: str = "ana", client: str = "bea") -> Said:
    return await stage.cairn(
        "clients", "link", f"{stage.tenant}/{into}", f"{stage.tenant}/{client}", *more, **environment
    )


async def of(stage: Stage, client: str) -> list[dict[str, Any]]:
    key = f"{stage.tenant}/{client}".encode()
    records = await stage.records("coaching.events.v1")
    return [json.loads(record.value or b"") for record in records if record.key == key]


async def test_counts_and_streaks_are_those_of_one_person_and_nothing_is_celebrated_for_the_past(
    stage: Stage, pool: Pool, environment: dict[str, str], tmp_path: Path
) -> None:
    await met(stage, pool, "ana", "bea")
    async with stage.tracker(tmp_path, RULES):
        for day in range(1, 6):
            await stage.event(habit("ana" if day % 2 else "bea", day, tenant=stage.tenant))
        await stage.tracked("bea", 2)
        said = await link(stage, environment, "--yes")
        assert (said.status, "2 events of bea were sent again for ana" in said.out) == (0, True), said.err
        await stage.event(habit("ana", 6, tenant=stage.tenant))
        await stage.tracked("ana", 6)
        reached = [(one.client, one.rule, one.threshold) for one in await stage.milestones()]
        assert sorted(reached) == [("ana", "run-six", 6), ("ana", "two", 6)]  # five were reached in silence
        again = await link(stage, environment, "--yes")
        assert "bea is ana already: nothing was changed." in again.out
        assert len(await of(stage, "ana")) == 6
        key = f"{stage.tenant}/ana".encode()
        states = [record.value for record in await stage.records(STATE_CHANGELOG) if record.key == key]
        assert read_stored(key, states[-1] or b"").state.erased_ms is None


async def test_binary_events_and_what_this_build_does_not_know_are_kept_and_what_is_refused_is_left_out(
    stage: Stage, pool: Pool, environment: dict[str, str]
) -> None:
    await met(stage, pool, "ana", "bea")
    key = f"{stage.tenant}/bea"
    attributes = {"specversion": "1.0", "id": "b:bea", "source": "app", "type": "goal.completed", "subject": "bea"}
    attributes |= {"time": "2026-05-01T07:00:00Z", "tenantid": stage.tenant}
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    await stage.send("coaching.events.v1", key, b'{"goal_id": "g"}', [*headers, ("content-type", b"application/json")])
    await stage.send("coaching.events.v1", key, b"no event", STRUCTURED)
    await stage.event(habit("bea", 1, tenant=stage.tenant, traceparent="00-1", receivedat="2026-05-01T07:00:00Z"))
    retraction = {"id": "r", "type": "event.retracted", "data": {"event_id": "b:bea"}}
    await stage.event({**habit("bea", 1, tenant=stage.tenant), **retraction})
    assert (await link(stage, environment, "--yes")).status == 0
    binary, checked, retracted = await of(stage, "ana")
    assert (binary["id"], binary["data"], binary["silent"]) == ("b:ana", {"goal_id": "g"}, True)
    assert (checked["id"], checked["traceparent"], "receivedat" in checked) == ("bea-1", "00-1", False)
    assert retracted["data"] == {"event_id": "b:ana"}


async def test_it_asks_before_it_acts_and_a_dry_run_changes_nothing(
    stage: Stage, pool: Pool, environment: dict[str, str]
) -> None:
    await met(stage, pool, "ana", "bea")
    await stage.event(habit("bea", 1, tenant=stage.tenant))
    dry = await link(stage, environment, "--dry-run", "--json")
    assert dry.status == 0
    (foreseen,) = dry.lines
    assert (foreseen["into"], foreseen["is_new"], foreseen["is_done"]) == ("ana", True, False)
    unasked = await link(stage, environment)
    assert unasked.status == 1
    assert "Link them?" in unasked.err
    assert await pool.fetchval("SELECT count(*) FROM client_links") == 0
    assert await of(stage, "ana") == []
    (done,) = (await link(stage, environment, "--yes", "--json")).lines
    assert (done["is_done"], done["resent"]) == (True, 1)
    (listed,) = (await stage.cairn("clients", "links", "--json", **environment)).lines
    assert (listed["links"][0]["client"], listed["links"][0]["resent"]) == ("bea", 1)
    assert "complete" in (await stage.cairn("clients", "links", **environment)).out


async def test_what_cannot_be_linked_ends_with_a_status_and_says_why(
    stage: Stage, pool: Pool, environment: dict[str, str]
) -> None:
    await met(stage, pool, "ana", "bea")
    nobody = await link(stage, environment, "--yes", client="bee")
    assert (nobody.status, "nothing was heard of bee" in nobody.err) == (1, True)
    for wrong in (("other/ana", f"{stage.tenant}/bea"), ("ana", f"{stage.tenant}/bea")):
        said = await stage.cairn("clients", "link", *wrong, "--yes", **environment)
        assert (said.status, said.out) == (2, "")
    assert (await link(stage, environment, "--yes")).status == 0
    back = await link(stage, environment, "--yes", into="bea", client="ana")
    assert (back.status, "already" in back.err) == (1, True)


async def test_a_pass_that_was_broken_off_goes_on_from_where_it_was(
    stage: Stage, pool: Pool, environment: dict[str, str]
) -> None:
    await met(stage, pool, "ana", "bea")
    for day in range(1, 4):
        await stage.event(habit("bea", day, tenant=stage.tenant))
    assert (await link(stage, environment, "--yes")).status == 0
    second = [r for r in await stage.records("coaching.events.v1") if (r.key or b"").endswith(b"/bea")][1]
    await pool.execute("UPDATE client_links SET next_offset = $1, resent = 1, caught_up_at = NULL", second.offset)
    assert (await link(stage, environment, "--yes")).status == 0
    assert [event["id"] for event in await of(stage, "ana")] == ["bea-1", "bea-2", "bea-3", "bea-2", "bea-3"]
    assert await pool.fetchval("SELECT resent FROM client_links") == 3
