# ruff: noqa: ARG002 - the logic implements a protocol whose arguments it does not all need

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError
from agents.engine.header import Header
from agents.engine.logic import Folded, Output, Record, Rules
from agents.engine.observer import Observer
from agents.engine.stateful import Stateful
from agents.engine.store import PartitionStates
from tests.agents.engine.test_folding import batch

CONFIG = EngineConfig(
    app_id="a",
    bootstrap_servers="",
    source_topics=("a", "b"),
    partitions=1,
    changelog_topic="log",
    dead_letter_topic="dead",
    output_topics=("out",),
    tick_limit=10,
)


class Stamping:
    """A state is the rules that it was last decided by; every decision tells them and the time."""

    def decode(self, key: bytes, body: bytes) -> int:
        return int(body)

    def encode(self, state: int) -> bytes:
        return b"%d" % state

    def fold(self, state: int | None, topic: str, record: Record, now_ms: int, rules: int) -> Folded[int]:
        return Folded(state=rules, outputs=(Output(topic="out", key=record.key, value=b"%d" % rules),))

    def tick(self, state: int, now_ms: int, rules: int) -> tuple[int, tuple[Output, ...]]:
        return rules, (Output(topic="out", key=b"tick", value=b"%d" % now_ms),)

    def next_deadline(self, state: int) -> int | None:
        return None

    def is_outdated(self, key: bytes, body: bytes, rules: int) -> bool:
        return int(body) != rules


class Breaking(Stamping):
    """A state is a number and falls due at it; 7 cannot be encoded, and an odd one not ticked."""

    def encode(self, state: int) -> bytes:
        if state == 7:
            raise OverflowError
        return super().encode(state)

    def fold(self, state: int | None, topic: str, record: Record, now_ms: int, rules: int) -> Folded[int]:
        told = Output(topic="out", key=record.key, value=b"%d" % now_ms)
        return Folded(state=int(record.value or b""), outputs=(told,))

    def tick(self, state: int, now_ms: int, rules: int) -> tuple[int, tuple[Output, ...]]:
        if state % 2:
            raise ZeroDivisionError
        return super().tick(1_000_000, now_ms, 1_000_000)

    def next_deadline(self, state: int) -> int | None:
        return state


class Counting(Observer):
    """Counts keys by what became of them."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()

    def ticked(self, partition: int, keys: int) -> None:
        self.keys["ticked"] += keys

    def swept(self, partition: int, keys: int) -> None:
        self.keys["swept"] += keys

    def parked(self, partition: int, keys: int) -> None:
        self.keys["parked"] += keys


class Committed:
    """Takes transactions as a broker would, or fails as one that is away."""

    def __init__(self) -> None:
        self.writes: list[Mapping[TopicPartition, Any]] = []
        self.is_away = False

    async def commit(self, writes: Mapping[TopicPartition, Any], offsets: object) -> dict[TopicPartition, int]:
        if self.is_away:
            raise BrokerAwayError("away")
        self.writes.append(writes)
        return dict.fromkeys(writes, len(self.writes))

    def told(self) -> list[tuple[bytes, bytes]]:
        return [(key, value) for writes in self.writes for key, value, _ in writes.get(TopicPartition("out", 0), ())]


class Partition:
    """A partition whose rules are changed by hand."""

    def __init__(self, keys: int = 0, logic: Stamping | None = None) -> None:
        self.logic = logic or Stamping()
        self.observer = Counting()
        self.rules = Rules(versions={"r": 1}, value=1)
        self.asked = 0
        self.log = Committed()
        self.states = PartitionStates(Header(2))
        for number in range(keys):
            self.states.values[b"%d" % number] = self.states.header.pack(-1, (0, 0), b"1")
        self.sink = self.anew()

    def anew(self) -> Stateful[int, int]:
        """A sink as after a crash: it knows nothing but the states."""
        return Stateful(
            config=CONFIG,
            partition=0,
            logic=self.logic,
            rules=self.current,
            time_map=lambda ms: ms,
            topic_ids={},
            counts={"out": 1, "dead": 1},
            states=self.states,
            committer=self.log,  # type: ignore[arg-type] # what a pipe uses of one
            observer=self.observer,
        )

    def store(self, *numbers: int) -> None:
        """Give each number as key a state that falls due at it."""
        for number in numbers:
            body = b"%d" % number
            self.states.values[body] = self.states.header.pack(number, (-1, -1), body)
        self.states.settle(0)

    def current(self) -> Rules[int]:
        self.asked += 1
        return self.rules

    def change(self, version: int) -> None:
        self.rules = Rules(versions={"r": version}, value=version)

    def stamps(self) -> set[bytes]:
        return {self.states.header.unpack(value)[2] for value in self.states.values.values()}


async def test_a_batch_is_decided_by_the_rules_that_were_in_force_when_it_began() -> None:
    partition = Partition()
    await partition.sink.take(batch(b"x", b"x", b"x"))
    assert partition.asked == 1
    partition.change(2)
    await partition.sink.take(batch(b"x", b"x", start=3))
    assert [value for _, value in partition.log.told()] == [b"1", b"1", b"1", b"2", b"2"]
    assert partition.states.bookmark is not None
    assert partition.states.bookmark.rules_versions == {"r": 2}


async def test_a_sweep_renews_a_bounded_number_of_keys_in_each_transaction_and_then_rests() -> None:
    partition = Partition(keys=25)
    partition.change(2)
    while partition.sink.wants_sweep:
        await partition.sink.sweep(70)
    assert [len(writes[TopicPartition("log", 0)]) - 1 for writes in partition.log.writes] == [10, 10, 5]
    assert partition.log.told() == [(b"tick", b"70")] * 25
    assert partition.stamps() == {b"2"}
    partition.change(3)
    assert partition.sink.wants_sweep


async def test_a_partition_just_taken_is_looked_through_and_nothing_is_written_where_nothing_is_outdated() -> None:
    partition = Partition(keys=25)
    assert partition.sink.wants_sweep
    await partition.sink.sweep(70)
    assert not partition.sink.wants_sweep
    assert partition.log.writes == []


async def test_rules_that_change_during_a_sweep_begin_it_anew() -> None:
    partition = Partition(keys=25)
    partition.change(2)
    await partition.sink.sweep(70)
    partition.change(3)
    while partition.sink.wants_sweep:
        await partition.sink.sweep(80)
    assert partition.stamps() == {b"3"}
    assert len(partition.log.told()) == 10 + 25


async def test_after_a_commit_that_failed_the_next_owner_finds_what_is_still_outdated() -> None:
    partition = Partition(keys=25)
    partition.change(2)
    await partition.sink.sweep(70)
    partition.log.is_away = True
    with pytest.raises(BrokerAwayError):
        await partition.sink.sweep(70)
    assert partition.stamps() == {b"1", b"2"}
    partition.log.is_away = False
    heir = partition.anew()
    while heir.wants_sweep:
        await heir.sweep(70)
    assert partition.stamps() == {b"2"}
    assert len(partition.log.told()) == 25


async def test_rules_older_than_those_used_sweep_nothing() -> None:
    partition = Partition(keys=5)
    partition.change(3)
    await partition.sink.sweep(70)
    partition.change(2)
    assert not partition.sink.wants_sweep
    await partition.sink.sweep(80)
    assert partition.stamps() == {b"3"}


async def test_a_sweep_never_runs_before_the_time_of_a_record_already_folded() -> None:
    partition = Partition(keys=1)
    await partition.sink.take(batch(b"x", start=500))
    partition.change(2)
    await partition.sink.sweep(70)
    assert partition.log.told()[-1] == (b"tick", b"5000")


async def test_an_earlier_topic_that_is_read_ahead_ticks_nothing_that_unread_records_may_still_prevent() -> None:
    """After a downtime profiles are folded up to their end first, though events before them are unread."""
    partition = Partition()
    partition.states.values[b"late"] = partition.states.header.pack(70, (-1, -1), b"1")
    partition.states.settle(0)
    await partition.sink.take(batch(b"x", topic="a", start=10))  # appended at 100
    assert [key for key, _ in partition.log.told()] == [b"k"]
    await partition.sink.take(batch(b"x", topic="b", start=6))  # appended at 60: nothing is due yet
    assert [key for key, _ in partition.log.told()] == [b"k", b"k"]
    await partition.sink.take(batch(b"x", topic="b", start=8))  # appended at 80
    assert [key for key, _ in partition.log.told()] == [b"k", b"k", b"tick", b"k"]


async def test_keys_that_cannot_be_ticked_are_left_until_they_are_read_anew_and_the_others_go_on() -> None:
    partition = Partition(logic=Breaking())
    partition.store(*range(10, 40))
    await partition.sink.tick(100)
    await partition.sink.tick(100)
    assert partition.observer.keys == {"ticked": 15, "parked": 15}
    assert partition.stamps() == {b"%d" % number for number in range(11, 40, 2)} | {b"1000000"}
    written = len(partition.log.writes)
    partition.states.settle(0)
    partition.sink = partition.anew()
    await partition.sink.tick(100)
    assert partition.observer.keys == {"ticked": 15, "parked": 30}
    assert len(partition.log.writes) == written


async def test_a_sweep_passes_over_keys_that_cannot_be_ticked_and_ends() -> None:
    partition = Partition(logic=Breaking())
    partition.store(*range(10, 40))
    while partition.sink.wants_sweep:
        await partition.sink.sweep(5)
    assert partition.observer.keys == {"swept": 15, "parked": 15}


async def test_a_batch_with_a_state_that_cannot_be_written_is_folded_again_at_the_same_times() -> None:
    partition = Partition(logic=Breaking())
    await partition.sink.take(batch(b"6000", b"7", b"8000", b"9000"))
    assert partition.log.told() == [(b"k", b"0"), (b"k", b"20"), (b"k", b"30")]
    assert partition.stamps() == {b"9000"}
    (writes,) = partition.log.writes
    ((_, value, headers),) = writes[TopicPartition("dead", 0)]
    assert (value, dict(headers)["cairn-dead-letter-reason"]) == (b"7", b"state_error")
