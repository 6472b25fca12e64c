import json
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from schemas.codec import decode_event
from schemas.milestone import Milestone
from tests.benchmarks import contest, figures, load, reference, replaying
from tests.benchmarks.peer import Speed
from tests.benchmarks.roster import ENTRANTS

_TODAY = datetime(2026, 6, 1, 15, tzinfo=UTC)
_ENOUGH = {
    "cairn_to_faust_ratio": 20.0,
    "cairn_to_quix_ratio": 1.5,
    "cairn_to_streams_rocksdb_ratio": 0.6,
    "cairn_to_streams_memory_ratio": 0.5,
    "cairn_to_bare_loop_ratio": 0.4,
    "replay_seconds_per_million": 29.9,
    "state_bytes_typical": 599,
    "milestone_p50_ms": 24.9,
    "milestone_p99_ms": 119.0,
    "in_app_p99_ms": 999.0,
    "half_load_p99_ms": 249.0,
    "crowd_cpu_ratio": 1.79,
    "clients_1000000_peak_mb": 1_499.0,
    "clients_1000000_restore_records_per_second": 200_000,
    "rules_cpu_ratio": 1.99,
    "planned_per_second": 2_000,
    "in_app_per_second": 2_000,
    "emails_per_second": 300,
    "hooks_per_second": 1_000,
    "hooks_p99_ms": 99.0,
    "hook_to_in_app_p99_ms": 1_499.0,
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


def _difference(*, missing: int) -> reference.Difference:
    return reference.Difference(expected=5, missing=missing, duplicated=0, wrong=0)


def test_the_result_is_one_name_and_one_number_per_figure_and_what_is_required_of_it(tmp_path: Path) -> None:
    figures.write({**_ENOUGH, "cairn_events_per_second": 61_234.5678}, tmp_path / "build" / "bench.json")
    result = json.loads((tmp_path / "build" / "bench.json").read_text())
    limits = {name: number for name, number in result.items() if name.endswith(("_must", "_aim"))}
    assert result.keys() - limits.keys() == {*_ENOUGH, "cairn_events_per_second"}
    assert result["cairn_events_per_second"] == 61_234.568
    assert limits.keys() >= {f"{name}_must" for name in _ENOUGH}
    assert (limits["cairn_to_faust_ratio_must"], limits["cairn_to_faust_ratio_aim"]) == (20, 50)


def test_all_is_met_at_the_limits_and_missed_beyond_them() -> None:
    assert figures.missed(_ENOUGH) == ()
    assert figures.missed({**_ENOUGH, "cairn_to_faust_ratio": 19.9}) == ("cairn_to_faust_ratio",)
    assert figures.missed({**_ENOUGH, "milestone_p50_ms": 25.0}) == ("milestone_p50_ms",)


def test_an_aim_is_met_from_its_number_on() -> None:
    ratio = next(one for one in figures.REQUIRED if one.name == "cairn_to_quix_ratio")
    assert not ratio.is_aim_met({"cairn_to_quix_ratio": 2.9})
    assert ratio.is_aim_met({"cairn_to_quix_ratio": 3.0})
    assert not ratio.is_aim_met({})


def test_a_required_figure_that_was_not_measured_is_missed() -> None:
    assert figures.missed({}) == tuple(_ENOUGH)


def test_an_events_id_is_the_place_where_it_stands_first() -> None:
    ends: Counter[int] = Counter()
    seen: set[str] = set()
    for sent in _log(3_000):
        event = decode_event((), sent.value)
        if event.id not in seen:
            assert load.position(event.id) == (sent.partition, ends[sent.partition])
        seen.add(event.id)
        ends[sent.partition] += 1
    assert len(ends) == 8


def test_some_sessions_and_some_checks_come_twice() -> None:
    times = Counter(sent.value for sent in _log(3_000))
    twice = Counter(decode_event((), value).type for value, count in times.items() if count == 2)
    assert set(twice) == {"habit.checked", "session.completed"}
    assert max(times.values()) == 2
    assert 15 <= sum(twice.values()) <= 60


def test_the_number_of_clients_and_the_days_of_their_growth_can_be_chosen() -> None:
    sent = load.log(steady_days=1, partitions=8, today=_TODAY, clients=300, growth_days=2)
    by_day = Counter((decode_event((), one.value).occurred_at.date(), one.key) for one in sent)
    clients = Counter(day for day, _ in by_day)
    assert [clients[day] for day in sorted(clients)] == [2, 24, 300]


def test_an_early_part_of_the_log_already_holds_first_sessions_and_both_streaks() -> None:
    log = _log(30_000)
    assert len(reference.of(log)) > 500
    days = {decode_event((), sent.value).occurred_at.date() for sent in log}
    assert len(days) > 30


def test_the_comparison_names_what_is_missing_double_and_wrong_and_leaves_out_what_is_not_committed() -> None:
    made = [_milestone(number, f"0-{number}") for number in range(5)]
    expected = {
        reference.identity(one): (load.position(one.caused_by or ""), reference.content(one)) for one in made[:4]
    }
    found = [made[0], made[0], made[2], made[4], made[3], made[3]]
    everything = reference.compare(expected, found, {0: 5})
    assert (everything.missing, everything.duplicated, everything.wrong) == (1, 2, 1)
    a_part = reference.compare(expected, found, {0: 1})
    assert (a_part.expected, a_part.missing, a_part.duplicated, a_part.wrong) == (1, 0, 1, 0)


def test_a_milestone_that_says_something_else_is_wrong_under_its_right_id() -> None:
    made = _milestone(1, "0-1")
    expected = {reference.identity(made): ((0, 1), reference.content(made))}
    assert reference.compare(expected, [made], {0: 2}).is_none
    found = reference.compare(expected, [replace(made, value=2)], {0: 2})
    assert (found.missing, found.wrong, found.is_none) == (1, 1, False)


def test_a_peer_that_published_nothing_that_was_expected_is_not_right_either() -> None:
    assert not reference.compare({}, [], {0: 2}).is_none


def test_a_time_counts_only_beside_right_milestones() -> None:
    speed = Speed(events_per_second=1_000.0, cpu_us_per_event=900.0, peak_mb=100.0, seconds=30.0)
    right = contest.Round(speed=speed, verdict="all 5", difference=_difference(missing=0))
    wrong = contest.Round(speed=None, verdict="of 5", difference=_difference(missing=1))
    entrant = ENTRANTS[0]
    timed = dict(contest.Standing(entrant=entrant, rounds=(right, right)).figures())
    assert timed["cairn_events_per_second"] == 1_000.0
    untimed = dict(contest.Standing(entrant=entrant, rounds=(right, wrong)).figures())
    assert "cairn_events_per_second" not in untimed
    assert untimed["cairn_milestones_missing"] == 1


def test_a_ratio_needs_both_times() -> None:
    figures_of_two = {"cairn_events_per_second": 3_000.0, "quix_events_per_second": 1_000.0}
    assert dict(contest.ratios(figures_of_two)) == {"cairn_to_quix_ratio": 3.0}
    assert dict(contest.ratios({"quix_events_per_second": 1_000.0})) == {}


def test_a_replay_is_measured_in_seconds_of_a_person_and_of_the_core(tmp_path: Path) -> None:
    found = replaying.replay(tmp_path, 4_000)
    assert set(found) == {"replay_seconds_per_million", "replay_cpu_seconds_per_million"}
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") == 4_000
    assert min(found.values()) > 0


def test_a_typical_state_is_measured() -> None:
    found = replaying.state()
    assert found["state_bytes_typical"] < 600
    assert found["state_decode_us"] > 0
