"""The checker sees what it is there to see: each fault is planted in an otherwise perfect record, and reported."""

import json
from copy import copy
from datetime import UTC, datetime
from itertools import islice

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
