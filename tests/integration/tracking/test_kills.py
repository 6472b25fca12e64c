"""A tracker that is killed again and again tells what a replay of its own log tells.

The log is two months that pass in seconds: the clock runs fast while it is sent, and at the pace of the real one from
its end on. So nearly all that time alone makes due lies inside the log. What falls due in the seconds after it depends
on when the tracker is stopped; therefore two replays hold it from both sides, one up to the last event and one up to
the moment at which the tracker had ended: of every client it must have told all of the first, and nothing beyond the
second, in their order.
"""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from agents.clock import real_now_ms
from agents.log_lines import read_lines
from agents.replay import _SHOWN
from agents.settings import Settings
from agents.tenants import STARTER_RULEBOOK
from schemas.milestone import Milestone
from schemas.topics import CLIENTS, EVENTS
from tests.integration.tracking.practice import BEGIN, DAYS, END, RULEBOOK, TENANTS, Arrival, arrivals, profiles
from tests.integration.tracking.stage import TrackerStage

KILLS = 5
LOG_SECONDS = 26
ENOUGH = 1_000
CLIENTS_EACH = 10
SPEED = DAYS * 86_400 / LOG_SECONDS

Told = dict[str, list[str]]
"""By client, the lines of `cairn replay`."""


async def test_what_is_told_through_kills_is_what_a_replay_of_the_export_tells(
    stage: TrackerStage, tmp_path: Path
) -> None:
    for tenant in TENANTS:
        stage.write_tenant(tenant, RULEBOOK if tenant != "plain" else None)
    for who, profile in profiles(CLIENTS_EACH).items():
        await stage.tell(CLIENTS, who, profile)
    settings = fast_clock(datetime.now(UTC))
    environment = {f"CAIRN_{name.upper()}": str(value) for name, value in settings.items()}
    sending = asyncio.create_task(send(stage, arrivals(CLIENTS_EACH, seed=7), settings["clock_start"]))
    await hurt(stage, environment)
    await sending

    log, known = tmp_path / "log.jsonl", tmp_path / "clients.jsonl"
    exported = await stage.cairn("log", "export", "--output", log, "--profiles", known, **environment)
    assert exported.status == 0, exported.err
    heard_at = max(event.received_at or END for _, event in read_lines(log.open("rb")))
    told_by_then = await replayed(stage, log, known, until=max(heard_at, END))
    await stage.until_told(lambda told: len(told) >= sum(map(len, told_by_then.values())))
    await stage.stop()
    told_by_now = await replayed(stage, log, known, until=domain_now(settings))

    told = by_client(await stage.told())
    assert sum(map(len, told.values())) > ENOUGH
    assert told.keys() <= told_by_now.keys()
    for client, lines in told_by_now.items():
        assert told[client][: len(told_by_then[client])] == told_by_then[client], client
        assert told[client] == lines[: len(told[client])], client
    assert_each_once(await stage.told())


async def hurt(stage: TrackerStage, environment: dict[str, str]) -> None:
    """Kill the tracker at random moments after it was ready; the last one lives."""
    rng = Random(11)  # noqa: S311 - seeded
    for _ in range(KILLS):
        await stage.track(environment)
        await asyncio.sleep(rng.choice([0, 0.1, 0.5, 1.5]) * rng.random())
        await stage.kill()
    await stage.track(environment)


def fast_clock(start: datetime) -> dict[str, Any]:
    return {
        "clock_origin": BEGIN, "clock_start": start, "clock_speed": SPEED,
        "clock_end": start + timedelta(seconds=LOG_SECONDS),
    }  # fmt: skip


def domain_now(settings: dict[str, Any]) -> datetime:
    ms = Settings(**settings).clock.domain_ms(real_now_ms())
    return datetime.fromtimestamp(ms / 1_000, tz=UTC)


async def send(stage: TrackerStage, log: list[Arrival], start: datetime) -> None:
    """Append each event when its time has come; one that is behind is appended at once."""
    for each in log:
        due_at = start + (each.at - BEGIN) / SPEED
        await asyncio.sleep(max(0.0, (due_at - datetime.now(UTC)).total_seconds()))
        await stage.producer.send(EVENTS, key=each.key, value=each.value)
    await stage.producer.flush()


async def replayed(stage: TrackerStage, log: Path, known: Path, *, until: datetime) -> Told:
    """What `cairn replay` says of each client under the rulebook of its tenant."""
    own = log.with_name("own.yaml")
    own.write_text(RULEBOOK, encoding="utf-8")
    told: Told = defaultdict(list)
    for rules in (own, STARTER_RULEBOOK):
        said = await stage.cairn("replay", "--rules", rules, "--clients", known, "--until", until.isoformat(), log)
        assert "time_in_future" in said.err
        for line in said.out.splitlines():
            about = msgspec.json.decode(line)
            if (about["tenant"] == "plain") == (rules == STARTER_RULEBOOK):
                told[f"{about['tenant']}/{about['client']}"].append(line)
    return told


def by_client(milestones: list[Milestone]) -> Told:
    told: Told = defaultdict(list)
    for each in milestones:
        line = msgspec.json.encode({name: getattr(each, name) for name in _SHOWN}).decode()
        told[f"{each.tenant}/{each.client}"].append(line)
    return told


def assert_each_once(milestones: list[Milestone]) -> None:
    counted = Counter((each.milestone_id, each.revision, each.type) for each in milestones)
    assert set(counted.values()) == {1}
