"""`cairn log export` on a real broker."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.arrival_order import in_arrival_order
from agents.cluster_facts import TopicMissingError
from agents.topic_reader import open_reader
from schemas.topics import EVENTS
from tests.integration.history.stage import STRUCTURED, Stage, habit

STARTER = Path(__file__).parents[3] / "deploy" / "rulebooks" / "starter.yaml"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_events_come_in_the_order_of_arrival_with_the_append_time(stage: Stage) -> None:
    for day in range(1, 6):
        for client in ("ana", "ben", "cem"):
            await stage.event(habit(client, day, tenant=stage.tenant))
            await asyncio.sleep(0.002)  # append times are milliseconds; within one, partitions have no order
    said = await stage.cairn("log", "export", "--tenant", stage.tenant)
    assert said.status == 0
    assert [(e["subject"], e["id"]) for e in said.lines] == [
        (client, f"{client}-{day}") for day in range(1, 6) for client in ("ana", "ben", "cem")
    ]
    appended = {r.value: r.timestamp for r in await stage.records(EVENTS)}
    sent = {json.loads(value or b"")["id"]: at for value, at in appended.items()}
    for event in said.lines:
        received = datetime.fromisoformat(event["receivedat"])
        assert received == datetime.fromtimestamp(sent[event["id"]] / 1000, tz=UTC)
    assert "15 events" in said.err


async def test_the_time_of_arrival_is_what_the_trackers_clock_showed(stage: Stage) -> None:
    await stage.event(habit("ana", 1, tenant=stage.tenant))
    (record,) = await stage.records(EVENTS)
    start = datetime.fromtimestamp(record.timestamp / 1_000 - 2, tz=UTC)
    clock = {
        "CAIRN_CLOCK_ORIGIN": "2026-03-01T00:00:00Z",
        "CAIRN_CLOCK_START": start.isoformat(),
        "CAIRN_CLOCK_SPEED": "100000",
    }
    (event,) = (await stage.cairn("log", "export", "--tenant", stage.tenant, **clock)).lines
    assert event["receivedat"] == "2026-03-03T07:33:20Z"


async def test_replay_decides_on_an_export_what_it_decides_on_the_log(stage: Stage, tmp_path: Path) -> None:
    await stage.profile("ana", {"name": "Ana", "email": "ana@example.org", "timezone": "Asia/Tokyo", "tags": ["vip"]})
    for day in range(1, 16):
        await stage.event(habit("ana", day, tenant=stage.tenant))
    log, clients = tmp_path / "log.jsonl", tmp_path / "clients.jsonl"
    said = await stage.cairn("log", "export", "--tenant", stage.tenant, "--output", log, "--profiles", clients)
    assert (said.status, said.out) == (0, "")
    assert json.loads(clients.read_text()) == {
        "tenant": stage.tenant, "client": "ana", "timezone": "Asia/Tokyo", "tags": ["vip"],
    }  # fmt: skip
    replayed = await stage.cairn("replay", "--rules", STARTER, "--clients", clients, log)
    said_of = [(m["rule"], m["threshold"]) for m in replayed.lines]
    assert said_of == [("streak-broken", None), ("iron-streak", 14)]  # in May: all of it was over on arrival
    assert names(tmp_path) == ["clients.jsonl", "log.jsonl"]


async def test_binary_events_become_structured_and_nothing_that_was_said_is_lost(stage: Stage) -> None:
    key = f"{stage.tenant}/ana"
    attributes = {"specversion": "1.0", "id": "b", "source": "app", "type": "goal.completed", "subject": "ana"}
    attributes |= {"time": "2026-05-01T07:00:00Z", "tenantid": stage.tenant}
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    await stage.send(EVENTS, key, b'{"goal_id": "g"}', [*headers, ("content-type", b"application/json")])
    event = habit("ana", 1, tenant=stage.tenant, traceparent="00-1", receivedat="2020-01-01T00:00:00Z")
    await stage.send(EVENTS, key, json.dumps(event, indent=2).encode(), STRUCTURED)
    binary, structured = (await stage.cairn("log", "export", "--tenant", stage.tenant)).lines
    assert binary.items() >= attributes.items()
    assert binary["data"] == {"goal_id": "g"}
    assert {**structured, "receivedat": 0} == {**event, "receivedat": 0}
    assert structured["receivedat"] > "2026"


async def test_what_the_tracker_refuses_is_named_without_its_content(stage: Stage) -> None:
    await stage.send(EVENTS, f"{stage.tenant}/ana", b"my secret")
    wrong_key = habit("ben", 1, tenant=stage.tenant)
    await stage.send(EVENTS, f"{stage.tenant}/ana", json.dumps(wrong_key).encode(), STRUCTURED)
    await stage.event(habit("ana", 1, tenant=stage.tenant))
    said = await stage.cairn("log", "export", "--tenant", stage.tenant)
    assert (said.status, len(said.lines)) == (0, 1)
    assert f"{EVENTS}/" in said.err
    assert "1 left out, refused by the tracker too: not_json" in said.err
    assert "1 left out, refused by the tracker too: wrong_key" in said.err
    assert "secret" not in said.err


async def test_tenant_client_and_time_choose(stage: Stage) -> None:
    other = f"{stage.tenant}-other"
    await stage.event(habit("ana", 1, tenant=stage.tenant))
    await stage.event(habit("ana", 1, tenant=other))
    await stage.event(habit("ben", 1, tenant=stage.tenant))
    await asyncio.sleep(0.05)
    noon = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.05)
    await stage.event(habit("ana", 2, tenant=stage.tenant))

    async def exported(*chosen: str) -> list[str]:
        said = await stage.cairn("log", "export", "--tenant", stage.tenant, *chosen)
        return [f"{event['tenantid'] == stage.tenant} {event['id']}" for event in said.lines]

    assert await exported() == ["True ana-1", "True ben-1", "True ana-2"]
    assert await exported("--client", "ana") == ["True ana-1", "True ana-2"]
    assert await exported("--since", noon) == ["True ana-2"]
    assert await exported("--until", noon) == ["True ana-1", "True ben-1"]
    assert await exported("--since", noon, "--until", noon) == []


async def test_a_client_without_a_tenant_is_wrong_input(stage: Stage) -> None:
    assert (await stage.cairn("log", "export", "--client", "ana")).status == 2


async def test_the_newest_profile_counts_and_an_erased_client_has_none(stage: Stage, tmp_path: Path) -> None:
    await stage.profile("ana", {"timezone": "Asia/Tokyo"})
    await stage.profile("ana", {"timezone": "Europe/Vienna", "joined_on": "2026-01-02"})
    await stage.profile("ana", {"timezone": "Mars"})
    await stage.profile("ben", {"timezone": "Asia/Tokyo"})
    await stage.profile("ben", None)
    clients = tmp_path / "clients.jsonl"
    said = await stage.cairn("log", "export", "--tenant", stage.tenant, "--profiles", clients)
    (line,) = map(json.loads, clients.read_text().splitlines())
    assert line == {
        "tenant": stage.tenant, "client": "ana", "timezone": "Europe/Vienna", "joined_on": "2026-01-02",
    }  # fmt: skip
    assert "wrong_profile" in said.err
    assert "Mars" not in said.err


async def test_partitions_are_merged_a_batch_at_a_time_and_each_keeps_its_order(stage: Stage) -> None:
    for number in range(9_000):
        event = habit(f"c{number % 50}", 1, tenant=stage.tenant, id=str(number))
        await stage.producer.send(
            EVENTS, key=f"{stage.tenant}/c{number % 50}".encode(), value=json.dumps(event).encode()
        )
    await stage.producer.flush()
    async with open_reader(stage.options) as reader:
        spans = await reader.spans(EVENTS)
        read = [record async for record in in_arrival_order(reader, spans)]
        apart = [record async for record in reader.records(spans)]
    assert len(read) == len(apart) >= 9_000
    assert all(one.timestamp <= two.timestamp for one, two in pairwise(read))
    for partition in spans:
        assert _offsets(read, partition) == _offsets(apart, partition)


def _offsets(records: list[Any], partition: TopicPartition) -> list[int]:
    return [record.offset for record in records if record.partition == partition.partition]


async def test_a_missing_topic_says_what_to_do(stage: Stage) -> None:
    async with open_reader(stage.options) as reader:
        with pytest.raises(TopicMissingError, match="cairn topics apply"):
            await reader.spans("no.such.topic")


async def test_a_reader_that_has_enough_ends_the_export_quietly(stage: Stage) -> None:
    for day in range(1, 28):
        await stage.event(habit("ana", day, tenant=stage.tenant))
    process = await stage.start("log", "export")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert b"Traceback" not in await process.stderr.read()
    await process.wait()


async def test_without_kafka_the_status_is_3_and_standard_output_stays_clean(stage: Stage) -> None:
    process = await stage.start("log", "export", CAIRN_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    out, err = await process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert b"Kafka does not answer" in err
