"""The parts in small, on the real servers: that each measures what it says, not how much."""

import smtplib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from agents.embedded.child import Child
from agents.embedded.ports import LOOPBACK, usable_port
from agents.engine import bookmark
from agents.engine.header import Header
from schemas.codec import decode_event
from schemas.rulebook import load_rulebook
from schemas.topics import DELIVERY_APP_ID, STATE_CHANGELOG, TRACKER_APP_ID
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.state import decode_state
from tests.benchmarks import crowd, delivering, half_load, hooking, load, many_rules, scraping, tracking
from tests.benchmarks import stage as stages
from tests.benchmarks.stage import HEADERS, Stage

_PLAN = compile_rulebook(load_rulebook(load.RULEBOOK.read_text(), "rulebook.yaml"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stages.servers(tmp_path_factory.mktemp("bench"), Console(quiet=True)) as running:
        yield running


def test_a_crowd_has_the_past_of_a_typical_client_and_goes_on_from_it() -> None:
    who = crowd.crowd(20, 90)
    *states, _, _ = crowd.states(who, 2)
    assert len(states) == 20
    known = {one.key: decode_state(one.value[Header(2).size :], one.key.decode()) for one in states}
    outcomes = []
    for sent in crowd.log(who, 90, 2):
        said = decode_event(HEADERS, sent.value)
        moved = advance(known[sent.key], said, _PLAN, to_ms(said.occurred_at))
        known[sent.key] = moved.state
        outcomes.append(moved.outcome)
    assert set(outcomes) == {"applied"}
    assert min(state.counts["s"] for state in known.values()) > 36


def test_every_partition_of_a_crowd_has_its_bookmark() -> None:
    last = list(crowd.states(crowd.crowd(5, 10), 3))[-3:]
    assert [one.partition for one in last] == [0, 1, 2]
    assert {bookmark.decode(one.value).partitions for one in last if one.key == bookmark.KEY} == {3}


def test_six_and_fifty_rules_are_as_many_as_they_say() -> None:
    for count in (many_rules.FEW, many_rules.MANY):
        assert len(load_rulebook(many_rules.rulebook(count), "rulebook.yaml").rules) == count


async def test_a_tracker_restores_a_crowd_and_has_its_clients_in_memory(servers: Stage) -> None:
    wider = servers.of(24)
    await stages.clear(wider, groups=[TRACKER_APP_ID])
    who = crowd.crowd(200, 400)
    await stages.fill(wider, crowd.states(who, 24), STATE_CHANGELOG)
    ends = await stages.fill(wider, crowd.log(who, 400, 24))
    assert len(ends) == 24
    run = await tracking.track(wider, sum(ends.values()))
    shown = run.metrics
    assert min(run.events_per_second, run.cpu_us_per_event, run.peak_mb) > 0
    assert shown["cairn_state_clients"] == 200
    assert shown["cairn_restore_records_total"] == 200 + 24
    assert shown["cairn_dead_letters_total"] == 0
    assert scraping.records_per_batch({}, shown) == 400 / shown["cairn_batch_records_count"]
    assert shown["cairn_batch_records_sum"] == 400
    assert scraping.records_per_batch(shown, shown) == 0


async def test_each_backlog_is_done_to_the_last_and_the_mail_server_saw_each_mail_once(servers: Stage) -> None:
    await stages.clear(servers, groups=[DELIVERY_APP_ID])
    found: dict[str, float] = {}
    for backlog in delivering.backlogs(share=0.001):
        found |= await delivering.measure(servers, backlog)
    for name in ("planned", "in_app", "emails"):
        assert found[f"{name}_per_second"] > 0
        assert found[f"{name}_postgres_bytes"] >= 0


async def test_half_of_capacity_is_measured_beside_a_load_of_its_own(
    servers: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_load, "_LATE_SECONDS", 60.0)  # how busy this machine is, is not the claim
    found = await half_load.measure(servers, 500.0, warm_seconds=1, seconds=1)
    assert 0 < found["half_load_p50_ms"] <= found["half_load_p99_ms"]
    assert found["half_load_records_per_batch"] >= 1


async def test_hooks_are_counted_once_kafka_has_them_and_followed_to_the_inbox(servers: Stage) -> None:
    found = await hooking.measure(servers, rate=50, warm_seconds=1, seconds=1)
    assert found["hooks_per_second"] > 0
    assert 0 < found["hooks_p50_ms"] <= found["hooks_p99_ms"]
    followed = await hooking.to_in_app(servers, rate=20, warm_seconds=1, seconds=1)
    assert 0 < followed["hook_to_in_app_p50_ms"] <= followed["hook_to_in_app_p99_ms"]


def test_the_mail_sink_counts_mails_and_tells_doubles_apart(tmp_path: Path) -> None:
    port = usable_port()
    sink = Child("sink", (sys.executable, "-m", "tests.benchmarks.mail_sink", str(port)), log=tmp_path / "log")
    sink.start()
    try:
        sink.wait_until(lambda: _listens(port), 30)
        with smtplib.SMTP(LOOPBACK, port) as smtp:
            for name in ("one", "two", "two"):
                smtp.sendmail(
                    "a@example.org", "b@example.org", f"Message-ID: <{name}>\r\n\r\n.dot\r\n" + "x\r\n" * 9_000
                )
    finally:
        sink.stop()
    assert sink.tail(1) == '{"mails": 3, "distinct": 2}'


def _listens(port: int) -> bool:
    try:
        smtplib.SMTP(LOOPBACK, port).close()
    except OSError:
        return False
    return True
