import json
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from schemas.codec import decode_event
from schemas.milestone import Milestone
from tests.benchmarks import figures, load, reference, replaying

_TODAY = datetime(2026, 6, 1, 15, tzinfo=UTC)
_ENOUGH = {
    "cairn_to_faust_ratio": 15.0,
    "replay_seconds_per_million": 29.9,
    "state_bytes_typical": 599,
    "milestone_p50_ms": 24.9,
    "milestone_p99_ms": 119.0,
    "in_app_p99_ms": 999.0,
}


def _log(events: int) -> list[load.Sent]:
    return list(islice(load.log(steady_days=0, partitions=8, today=_TODAY), events))


def _milestone(number: int, cause: str) -> Milestone:
    return Milestone(
        type="milestone.reached",
        tenant="example",
        client="c00001",
        milestone_id=f"{number:032x}",
        revision=1,
        rule="first-session",
        kind="count",
        name="First session",
        tier="micro",
        threshold=1,
        occurrence="once",
        value=1,
        reached_at=_TODAY,
        rulebook="digest",
        caused_by=cause,
    )


def test_the_result_is_one_name_and_one_number_per_figure(tmp_path: Path) -> None:
    figures.write({**_ENOUGH, "cairn_events_per_second": 61_234.5678}, tmp_path / "build" / "bench.json")
    result = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert set(result) == {*_ENOUGH, "cairn_events_per_second"}
    assert result["cairn_events_per_second"] == 61_234.568


def test_all_is_met_at_the_limits_and_missed_beyond_them() -> None:
    assert figures.missed(_ENOUGH) == ()
    assert figures.missed({**_ENOUGH, "cairn_to_faust_ratio": 14.9}) == ("cairn_to_faust_ratio",)
    assert figures.missed({**_ENOUGH, "milestone_p50_ms": 25.0}) == ("milestone_p50_ms",)


def test_a_required_figure_that_was_not_measured_is_missed() -> None:
    assert figures.missed({}) == tuple(_ENOUGH)


def test_an_events_id_is_the_place_where_it_stands() -> None:
    ends: Counter[int] = Counter()
    for sent in _log(3_000):
        event = decode_event((), sent.value)
        assert load.position(event.id) == (sent.partition, ends[sent.partition])
        ends[sent.partition] += 1
    assert len(ends) == 8


def test_an_early_part_of_the_log_already_holds_first_sessions_and_both_streaks() -> None:
    log = _log(30_000)
    assert len(reference.of(log)) > 500
    days = {decode_event((), sent.value).occurred_at.date() for sent in log}
    assert len(days) > 30


def test_the_comparison_names_what_is_missing_double_and_wrong_and_leaves_out_what_is_not_committed() -> None:
    made = [_milestone(number, f"0-{number}") for number in range(5)]
    expected = {reference.identity(one): load.position(one.caused_by or "") for one in made[:4]}
    found = [made[0], made[0], made[2], made[4], made[3], made[3]]
    everything = reference.compare(expected, found, {0: 5})
    assert (everything.missing, everything.duplicated, everything.wrong) == (1, 2, 1)
    a_part = reference.compare(expected, found, {0: 1})
    assert (a_part.expected, a_part.missing, a_part.duplicated, a_part.wrong) == (1, 0, 1, 0)


def test_a_replay_is_measured_in_seconds_of_a_person_and_of_the_core(tmp_path: Path) -> None:
    found = replaying.replay(tmp_path, 4_000)
    assert set(found) == {"replay_seconds_per_million", "replay_cpu_seconds_per_million"}
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") == 4_000
    assert min(found.values()) > 0


def test_a_typical_state_is_measured() -> None:
    found = replaying.state()
    assert found["state_bytes_typical"] < 600
    assert found["state_decode_us"] > 0
