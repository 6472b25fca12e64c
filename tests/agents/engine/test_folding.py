# ruff: noqa: ARG002 - the logic implements a protocol whose arguments it does not all need

import pytest

from agents.engine.batch import Batch
from agents.engine.bookmark import Bookmark
from agents.engine.breaker import Breaker
from agents.engine.dead_letters import OMITTED
from agents.engine.folding import Folding
from agents.engine.header import Header
from agents.engine.logic import Folded, Output, Record, Refusal
from agents.engine.store import PartitionStates
from tests.agents.engine.test_batch import At


class Summing:
    """Keeps a number; `b"!"` raises, `b"?"` is refused, `b"-"` forgets, `b"@N"` sets a deadline."""

    def decode(self, key: bytes, body: bytes) -> tuple[int, int]:
        count, due_ms = body.split(b",")
        return int(count), int(due_ms)

    def encode(self, state: tuple[int, int]) -> bytes:
        return b"%d,%d" % state

    def fold(
        self, state: tuple[int, int] | None, topic: str, record: Record, now_ms: int, rules: None
    ) -> Folded[tuple[int, int]]:
        value = record.value or b""
        count, due_ms = state or (0, -1)
        if value == b"!":
            raise ZeroDivisionError
        if value == b"?":
            return Folded(state=None, refusal=Refusal(reason="odd", detail="it is"))
        if value == b"-":
            return Folded(state=None)
        due_ms = int(value[1:]) if value.startswith(b"@") else due_ms
        return Folded(state=(count + 1, due_ms), outputs=(Output(topic="out", key=record.key, value=b"%d" % now_ms),))

    def tick(self, state: tuple[int, int], now_ms: int, rules: None) -> tuple[tuple[int, int], tuple[Output, ...]]:
        return (state[0] + 100, -1), (Output(topic="out", key=b"tick", value=b"%d" % now_ms),)

    def next_deadline(self, state: tuple[int, int]) -> int | None:
        return state[1] if state[1] >= 0 else None

    def is_outdated(self, key: bytes, body: bytes, rules: int) -> bool:
        return int(body.split(b",")[0]) < rules


class Flawed(Summing):
    """Cannot encode a count of 3, nor tick what falls due at 666; `b"torn"` is no state of it."""

    def encode(self, state: tuple[int, int]) -> bytes:
        if state[0] == 3:
            raise OverflowError
        return super().encode(state)

    def tick(self, state: tuple[int, int], now_ms: int, rules: None) -> tuple[tuple[int, int], tuple[Output, ...]]:
        if state[1] == 666:
            raise ZeroDivisionError
        return super().tick(state, now_ms, rules)


def folding(states: PartitionStates, limit: int = 100, *, singly: bool = False) -> Folding[tuple[int, int], None]:
    return Folding(
        partition=0,
        partitions=1,
        topics=("a", "b"),
        states=states,
        logic=Flawed(),
        rules=None,
        breaker=Breaker(limit=limit),
        dead_letter_topic="dead",
        private_topics=frozenset({"a"}),
        singly=singly,
    )


def batch(*values: bytes, topic: str = "b", start: int = 0, key: bytes = b"k") -> Batch:
    records = [
        At(offset=start + number, timestamp=10 * (start + number), key=key, value=value)
        for number, value in enumerate(values)
    ]
    return Batch(topic=topic, partition=0, start=start, end=start + len(values), records=records)


def fold(states: PartitionStates, given: Batch, limit: int = 100) -> Folding[tuple[int, int], None]:
    work = folding(states, limit)
    work.fold(given, lambda record: record.timestamp)
    return work


def commit(states: PartitionStates, work: Folding[tuple[int, int], None], following: int) -> None:
    states.changed(work.changes(), Bookmark(partitions=1, next_offsets={"b": following}), 0)


def body(states: PartitionStates, key: bytes = b"k") -> bytes:
    return states.header.unpack(states.values[key])[2]


def test_nothing_changes_before_the_commit() -> None:
    states = PartitionStates(Header(2))
    work = fold(states, batch(b"x", b"x"))
    assert states.values == {}
    commit(states, work, 2)
    assert body(states) == b"2,-1"


def test_a_batch_folded_twice_counts_once() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"x", b"x")), 2)
    again = fold(states, batch(b"x", b"x"))
    assert (again.replayed, again.outputs, again.changes()) == (2, [], {})


def test_a_replay_is_known_by_the_state_alone_when_the_bookmark_does_not_tell() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"x", b"x")), 0)
    assert fold(states, batch(b"x", b"x", b"x")).replayed == 2


def test_offsets_of_different_topics_are_told_apart() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"x", b"x")), 2)
    assert fold(states, batch(b"x", topic="a")).replayed == 0


def test_of_a_private_topic_no_content_goes_to_the_dead_letters() -> None:
    refused = [fold(PartitionStates(Header(2)), batch(b"?", topic=topic)).outputs for topic in ("a", "b")]
    (private,), (other,) = refused
    assert (private.key, private.value, other.value) == (b"k", None, b"?")
    assert OMITTED in dict(private.headers)
    assert dict(private.headers)["cairn-dead-letter-offset"] == b"0"
    assert OMITTED not in dict(other.headers)


def test_a_replayed_refusal_is_no_second_dead_letter() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"?")), 1)
    assert fold(states, batch(b"?")).outputs == []


def test_a_fold_that_raises_leaves_the_state_before_it_and_the_next_record_goes_on() -> None:
    states = PartitionStates(Header(2))
    work = fold(states, batch(b"x", b"!", b"x"))
    commit(states, work, 3)
    assert body(states) == b"2,-1"
    assert work.refused == {"fold_error": 1}
    assert [output.topic for output in work.outputs] == ["out", "dead", "out"]


def states_with(*bodies: bytes, deadline: int = -1) -> PartitionStates:
    """Keys `k`, `l` and so on, each with a state."""
    states = PartitionStates(Header(2))
    for key, stored in zip((b"k", b"l", b"m"), bodies, strict=False):
        states.values[key] = states.header.pack(deadline, (-1, -1), stored)
    states.settle(0)
    return states


def test_the_records_of_a_state_that_cannot_be_read_are_set_aside_and_it_stays_as_it_is() -> None:
    states = states_with(b"torn", b"1,-1")
    work = fold(states, batch(b"x", b"x"))
    work.fold(batch(b"x", start=2, key=b"l"), lambda record: record.timestamp)
    assert work.refused == {"state_error": 2}
    assert [output.topic for output in work.outputs] == ["dead", "dead", "out"]
    commit(states, work, 3)
    assert (body(states), body(states, b"l")) == (b"torn", b"2,-1")


def test_a_record_before_which_something_due_cannot_be_done_is_set_aside_and_later_keys_go_on() -> None:
    states = states_with(b"1,666", deadline=666)
    work = fold(states, batch(b"x", b"x", start=66))
    assert (work.records, work.refused) == (2, {"state_error": 1})  # the first came before it was due
    commit(states, work, 68)
    assert body(states) == b"2,666"


def test_a_key_for_which_time_can_do_nothing_is_parked_and_the_others_go_on() -> None:
    states = states_with(b"1,666", b"torn", b"1,5", deadline=5)
    for pass_time in (Folding.tick, Folding.renew):
        work = folding(states)
        pass_time(work, [b"k", b"l", b"m"], 700)
        assert work.parked == [b"k", b"l"]
        assert {key: states.header.unpack(value or b"")[2] for key, value in work.changes().items()} == {
            b"m": b"101,-1"
        }
        assert [output.key for output in work.outputs] == [b"tick"]


def test_done_singly_only_the_record_that_makes_a_state_unwritable_is_set_aside() -> None:
    states = PartitionStates(Header(2))
    with pytest.raises(OverflowError):
        fold(states, batch(b"x", b"x", b"x")).changes()
    work = folding(states, singly=True)
    work.fold(batch(b"x", b"x", b"x", b"@9", b"-", b"x"), lambda record: record.timestamp)
    assert work.refused == {"state_error": 2}
    assert [output.topic for output in work.outputs] == ["out", "out", "dead", "dead", "out"]
    commit(states, work, 6)
    assert body(states) == b"1,-1"


def test_done_singly_a_key_whose_state_cannot_be_written_is_parked_with_what_it_would_have_told() -> None:
    states = states_with(b"-97,5", b"1,5", deadline=5)
    work = folding(states, singly=True)
    work.tick([b"k", b"l"], 5)
    assert (work.parked, list(work.changes()), len(work.outputs)) == ([b"k"], [b"l"], 1)


def test_a_due_key_is_ticked_before_its_own_next_record_in_the_same_batch() -> None:
    states = PartitionStates(Header(2))
    work = fold(states, batch(b"@15", b"x", b"x"))
    assert [(output.key, output.value) for output in work.outputs] == [
        (b"k", b"0"),
        (b"k", b"10"),
        (b"tick", b"20"),
        (b"k", b"20"),
    ]


def test_a_key_is_renewed_before_it_is_due_and_one_that_is_gone_is_left_alone() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"@1000000")), 1)
    work = folding(states)
    work.renew([b"k", b"gone"], 5)
    commit(states, work, 1)
    assert body(states) == b"101,-1"
    assert [(output.key, output.value) for output in work.outputs] == [(b"tick", b"5")]
    assert list(states.values) == [b"k"]


def test_any_batching_equals_one_by_one() -> None:
    values = (b"x", b"@25", b"!", b"x", b"?", b"x", b"-", b"x")
    whole, single = PartitionStates(Header(2)), PartitionStates(Header(2))
    commit(whole, fold(whole, batch(*values)), len(values))
    for offset, value in enumerate(values):
        commit(single, fold(single, batch(value, start=offset)), offset + 1)
    assert whole.values == single.values


def test_a_state_that_is_gone_is_a_tombstone() -> None:
    states = PartitionStates(Header(2))
    commit(states, fold(states, batch(b"x")), 1)
    work = fold(states, batch(b"-", start=1))
    assert work.changes() == {b"k": None}
    commit(states, work, 2)
    assert (states.values, states.bytes) == ({}, 0)


def test_the_batch_is_cut_before_the_refusal_that_is_one_too_many() -> None:
    work = fold(PartitionStates(Header(2)), batch(b"x", b"?", b"?", b"?", b"x"), limit=2)
    assert work.tripped
    assert (work.end, work.refused["odd"], work.breaker.seen) == (3, 2, 3)
