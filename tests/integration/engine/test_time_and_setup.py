"""Deadlines over a backlog, rules that are too old, and a cluster that contradicts the state."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError

from agents.engine.topic_ids import read_topic_ids
from tests.integration.engine.stage import Stage


async def test_a_backlog_never_lapses_what_its_unread_records_save(stage: Stage) -> None:
    await stage.send(50, keys=50, value=b"due:600")
    await asyncio.sleep(0.3)
    await stage.send(40, keys=40, value=b"due:1000000")
    await asyncio.sleep(0.5)
    worker = await stage.worker(shake=3, config={"max_batch_records": 1, "idle_check_ms": 5})
    await stage.caught_up()
    lapses = await _lapses(stage, 10)
    assert len(lapses) == 10
    assert not any(lapse["late"] for lapse in lapses)
    assert await worker.stop() == 0, worker.text
    assert sorted(state["ticks"] for state in (await stage.counters()).values()) == [0] * 40 + [1] * 10


async def test_what_fell_due_before_a_record_is_ticked_before_it(stage: Stage) -> None:
    await stage.send(20, keys=20, value=b"due:200")
    await asyncio.sleep(0.5)
    await stage.send(20, keys=20)
    worker = await stage.worker()
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    lapses = [json.loads(record.value) for record in await stage.read(stage.milestones)]
    assert [lapse["count"] for lapse in lapses] == [1] * 20


async def test_an_owner_with_older_rules_waits_for_the_newer_ones(stage: Stage) -> None:
    await stage.send(100)
    first = await stage.worker(rules=7)
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    await stage.send(100)
    old = await stage.worker(rules=6)
    await old.until("waiting_for_rules")
    assert old.said("committed") == []
    assert await old.stop() == 0, old.text
    new = await stage.worker(rules=7)
    await stage.caught_up()
    assert await new.stop() == 0, new.text
    await stage.assert_exact()


async def test_a_recreated_topic_is_refused_and_not_read_as_a_replay(stage: Stage) -> None:
    await stage.send(100)
    first = await stage.worker()
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    await stage.admin.delete_topics([stage.events])
    await _recreate(stage)
    await stage.send(1_000)
    second = await stage.worker()
    assert await second.ended() == 1
    assert "recreated" in second.text


async def test_a_topic_that_the_broker_cannot_name_at_the_moment_is_not_one_without_an_id(stage: Stage) -> None:
    assert all((await read_topic_ids(stage.admin, (stage.events, stage.clients))).values())
    with pytest.raises(UnknownTopicOrPartitionError):
        await read_topic_ids(stage.admin, (stage.events, f"{stage.events}-missing"))


async def test_a_group_without_offsets_is_refused_when_there_is_state(stage: Stage) -> None:
    await stage.send(100)
    first = await stage.worker()
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    other = await stage.worker(config={"app_id": f"{stage.name}-other"})
    assert await other.ended() == 1
    assert "reset the offset" in other.text


async def _recreate(stage: Stage) -> None:
    while True:
        try:
            await stage.create(stage.events, {"message.timestamp.type": "LogAppendTime"})
        except Exception:  # noqa: BLE001 - the deletion is still under way
            await asyncio.sleep(0.1)
        topics: list[Any] = await stage.admin.describe_topics([stage.events])
        if topics[0]["error_code"] == 0:
            return


async def _lapses(stage: Stage, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        while True:
            found = [
                json.loads(record.value) for record in await stage.read(stage.milestones) if record.key == b"lapse"
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)
