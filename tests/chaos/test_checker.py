"""The checker sees what it is there to see: each fault is planted in an otherwise perfect record, and reported."""

import json
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.chaos.checker import HEAD_BYTES, Checker
from tests.chaos.load import HABIT, Shape, stream
from tests.chaos.oracle import Oracle
from tests.chaos.topics_read import TopicsRead

_TODAY = datetime(2026, 6, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENOUGH = 25_000


def _heard(oracle: Oracle | Checker, **shape: float) -> list[bytes]:
    """Let it hear a part of the load; returns the broken values."""
    said = [one for one in islice(stream(Shape(row="r01", seed=7, **shape), _TODAY), _ENOUGH) if not one.profile]
    for one in said:
        (oracle.event if isinstance(oracle, Checker) else oracle.hear)(one.key, one.value)
    return [one.value for one in said if one.value.startswith(b"{broken")]


def _milestone(identity: tuple, revision: int = 1, kind: str = "milestone.reached") -> bytes:
    tenant, client, rule, threshold, occurrence = identity
    told = {"tenant": tenant, "client": client, "rule": rule, "threshold": threshold, "occurrence": occurrence}
    return json.dumps({**told, "revision": revision, "type": kind}).encode()


def _state(sessions: int, days: set[int]) -> bytes:
    first = min(days, default=0)
    bits = sum(1 << (day - first) for day in days)
    habit = [first, bits.to_bytes(8, "little"), 0, b""]
    fields = ["", None, {"session.completed": sessions}, {}, {HABIT: habit}]
    return bytes(HEAD_BYTES + 5) + msgspec.msgpack.encode(fields)


@pytest.fixture(scope="module")
def faultless() -> Checker:
    checker = Checker("")
    for value in _heard(checker):
        checker.letter(b"", value)
    for identity in checker.oracle.expected:
        checker.milestone(b"", _milestone(identity))
    for key, seen in checker.oracle.seen.items():
        checker.state(key, _state(len(seen.sessions), seen.days))
    return checker


@pytest.fixture
def perfect(faultless: Checker) -> Checker:
    """A record of what a faultless tracker would have left."""
    checker = copy(faultless)
    checker.told, checker.states = faultless.told.copy(), faultless.states.copy()
    checker.letters = faultless.letters.copy()
    return checker


def test_a_perfect_record_has_no_breach_and_every_milestone(perfect: Checker) -> None:
    verdict = perfect.judge()
    assert verdict.breaches == {}
    assert verdict.found == verdict.expected > 1_000
    assert {one[2:4] for one in perfect.oracle.expected} == {
        ("first-session", 1),
        ("thirty-six", 36),
        ("iron-streak", 14),
        ("iron-streak", 30),
    }
    assert verdict.dead_letters > 10
    assert verdict == perfect.judge("r01")
    assert perfect.judge("r02").events == 0


def test_a_milestone_that_is_missing_is_reported(perfect: Checker) -> None:
    perfect.told.pop(next(iter(perfect.told)))
    assert perfect.judge().breaches == {"missing": 1}


def test_a_milestone_that_is_there_twice_is_reported(perfect: Checker) -> None:
    perfect.milestone(b"", _milestone(next(iter(perfect.oracle.expected))))
    assert perfect.judge().breaches == {"duplicated": 1}


def test_a_milestone_that_nothing_leads_to_is_reported(perfect: Checker) -> None:
    perfect.milestone(b"", _milestone(("crowd", "r01-000001", "thirty-six", 36, "twice")))
    assert perfect.judge().breaches == {"wrong": 1}


def test_a_milestone_that_is_taken_back_is_reported(perfect: Checker) -> None:
    perfect.milestone(b"", _milestone(next(iter(perfect.oracle.expected)), kind="milestone.retracted"))
    assert perfect.judge().breaches == {"wrong": 1}


@pytest.mark.parametrize(("sessions", "days"), [(1, 0), (0, 1)])
def test_a_counter_or_a_day_too_many_is_reported(perfect: Checker, sessions: int, days: int) -> None:
    key, seen = next(iter(perfect.oracle.seen.items()))
    perfect.state(key, _state(len(seen.sessions) + sessions, seen.days | {max(seen.days) + n + 1 for n in range(days)}))
    verdict = perfect.judge()
    assert verdict.breaches == {"wrong_states": 1}
    assert verdict.examples == (f"state: {key!r}",)


def test_a_state_that_is_not_there_is_reported(perfect: Checker) -> None:
    perfect.states.popitem()
    assert perfect.judge().breaches == {"wrong_states": 1}


def test_a_dead_letter_too_few_or_too_many_is_reported(perfect: Checker) -> None:
    value = next(iter(perfect.letters))
    perfect.letters[value] += 1
    assert perfect.judge().breaches == {"wrong_dead_letters": 1}
    del perfect.letters[value]
    assert perfect.judge().breaches == {"wrong_dead_letters": 1}


def test_a_lost_event_shows_in_the_counters_even_where_no_milestone_tells(perfect: Checker) -> None:
    key = next(key for key, seen in perfect.oracle.seen.items() if len(seen.sessions) == 20)
    perfect.state(key, _state(19, perfect.oracle.seen[key].days))
    assert perfect.judge().breaches == {"wrong_states": 1}


def test_duplicates_and_second_ids_change_nothing_for_the_oracle() -> None:
    plain, often = Oracle(), Oracle()
    _heard(plain, twice_share=0.0, poison_share=0.0)
    _heard(often, twice_share=0.2, copies=3, poison_share=0.0)
    assert often.records > plain.records - 100
    assert often.expected < plain.expected, "copies leave room for fewer events"
    assert len({key: seen.sessions for key, seen in often.seen.items()}) > 100
    for key, seen in often.seen.items():
        assert seen.sessions <= plain.seen[key].sessions
        assert seen.days <= plain.seen[key].days


def test_a_run_that_grows_from_both_ends_is_one_run() -> None:
    oracle = Oracle()
    for day in (*range(10, 24), *range(10), 40, *range(24, 40)):
        at = datetime.fromtimestamp(_EPOCH.timestamp() + day * 86_400, tz=UTC).isoformat()
        event = {"type": "habit.checked", "tenantid": "t", "subject": "c", "time": at, "data": {"habit_id": "run"}}
        oracle.hear(b"t/c", json.dumps(event).encode())
    assert {one[3:] for one in oracle.expected} == {(14, "run/1970-01-11"), (30, "run/1970-01-01")}


def _at(day: date, hour: time, zone: str, fold: int = 0) -> str:
    return datetime.combine(day, hour, ZoneInfo(zone)).replace(fold=fold).astimezone(UTC).isoformat()


def _checks(oracle: Oracle, *times: str, timezone: str | None = None) -> set[tuple]:
    data = {"habit_id": "run"} | ({"timezone": timezone} if timezone else {})
    for at in times:
        event = {"type": "habit.checked", "tenantid": "t", "subject": "c", "time": at, "data": data}
        oracle.hear(b"t/c", json.dumps(event).encode())
    return {one[3:] for one in oracle.expected}


def test_a_day_of_the_oracle_is_the_wall_clock_s_through_a_change_of_it() -> None:
    zone, first = "America/New_York", date(2024, 2, 26)  # over 29 February and the skipped hour of 10 March
    hours = (time(0, 10), time(23, 50))
    times = [_at(first + timedelta(days=n), hours[n % 2], zone) for n in range(14)]
    met, unmet, away = Oracle(), Oracle(), Oracle()
    met.meet(b"t/c", json.dumps({"timezone": zone}).encode())
    away.meet(b"t/c", b'{"timezone": "Asia/Tokyo"}')
    assert _checks(met, *times) == _checks(away, *times, timezone=zone) == {(14, "run/2024-02-26")}
    assert _checks(unmet, *times) == set(), "by UTC every other day is empty"


def test_the_hour_that_comes_twice_and_the_small_hours_before_a_day_begins_make_no_day_of_their_own() -> None:
    oracle = Oracle()
    oracle.meet(b"t/c", b'{"timezone": "Europe/Berlin", "day_starts_at": "04:30"}')
    night = date(2024, 10, 27)
    _checks(oracle, *(_at(night, time(2, 30), "Europe/Berlin", fold) for fold in (0, 1)))
    _checks(oracle, _at(night, time(4, 29), "Europe/Berlin"))
    assert len(oracle.seen[b"t/c"].days) == 1
    _checks(oracle, _at(night, time(4, 30), "Europe/Berlin"))
    assert len(oracle.seen[b"t/c"].days) == 2


def test_a_load_abroad_is_another_one_by_utc_days() -> None:
    said = list(islice(stream(Shape(row="r01", seed=7, abroad=True), _TODAY), _ENOUGH))
    right, wrong = Oracle(), Oracle()
    for one in said:
        if one.profile:
            right.meet(one.key, one.value)
        else:
            right.hear(one.key, one.value)
            wrong.hear(one.key, one.value)
    assert len(right.expected - wrong.expected) > len(right.expected) / 3


def test_what_comes_from_more_than_a_day_ahead_of_the_broker_is_broken() -> None:
    oracle, now_ms = Oracle(), int(_TODAY.timestamp() * 1000)
    said = [one for one in islice(stream(Shape(row="r01", seed=7, ahead_share=0.2), _TODAY), 2_000) if not one.profile]
    for one in said:
        oracle.hear(one.key, one.value, now_ms)
    beyond = [one.value for one in said if b":beyond" in one.value]
    assert len(beyond) > 50
    assert set(beyond) == {value for value in oracle.broken if not value.startswith(b"{broken")}


def test_a_state_that_keeps_what_was_counted_of_an_erased_client_is_reported(perfect: Checker) -> None:
    key = next(iter(perfect.oracle.seen))
    perfect.oracle = copy(perfect.oracle)
    perfect.oracle.erased = {key}
    assert perfect.judge().breaches == {"wrong_states": 1}
    perfect.state(key, _state(0, set()))
    assert perfect.judge().breaches == {}


def test_the_same_seed_makes_the_same_load_and_another_row_another() -> None:
    def said(**shape: object) -> list[bytes]:
        return [one.value for one in islice(stream(Shape(**{"row": "r01", "seed": 7, **shape}), _TODAY), 3_000)]

    assert said() == said()
    assert said() != said(row="r02") != said(seed=8)


async def test_what_is_read_on_is_each_record_once(kafka: object) -> None:
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    topic, address = "chaos-topics-read", kafka.bootstrap_servers  # type: ignore[attr-defined]
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(name=topic, num_partitions=2, replication_factor=1)])
    await admin.close()
    read, found = TopicsRead(address, [topic]), []
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        for look in range(3):
            for number in range(4):
                await producer.send_and_wait(topic, b"%d.%d" % (look, number), partition=number % 2)
            found += [record.value async for record in read.new()]
    assert sorted(found) == sorted(b"%d.%d" % (look, number) for look in range(3) for number in range(4))
