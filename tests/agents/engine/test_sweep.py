from agents.engine.header import Header
from agents.engine.logic import Rules
from agents.engine.store import PartitionStates
from agents.engine.sweep import Sweep
from tests.agents.engine.test_folding import Summing


def states_with(counts: dict[bytes, int]) -> PartitionStates:
    states = PartitionStates(Header(2))
    for key, count in counts.items():
        states.values[key] = states.header.pack(-1, (0, 0), b"%d,-1" % count)
    return states


def sweep(states: PartitionStates) -> Sweep[int]:
    return Sweep(states, Summing(), Rules(versions={"all": 2}, value=10))


def test_only_what_is_outdated_is_found_each_once_and_never_more_than_asked() -> None:
    states = states_with({b"%d" % number: 5 if number % 3 else 50 for number in range(1_000)})
    work, found = sweep(states), []
    while not work.done:
        some = work.find(7)
        assert len(some) <= 7
        found += some
    assert sorted(found) == sorted(b"%d" % number for number in range(1_000) if number % 3)


def test_a_key_that_went_or_was_renewed_since_the_pass_began_is_passed_over() -> None:
    states = states_with({b"a": 1, b"b": 1, b"c": 1})
    work = sweep(states)
    del states.values[b"a"]
    states.values[b"b"] = states.header.pack(-1, (0, 0), b"10,-1")
    states.values[b"new"] = states.header.pack(-1, (0, 0), b"1,-1")
    assert work.find(10) == [b"c"]
    assert work.done


def test_a_look_ends_after_a_slice_of_time_and_goes_on_where_it_ended() -> None:
    states = states_with({b"%d" % number: 50 for number in range(100_000)})
    work, looks = sweep(states), 0
    while not work.done:
        assert work.find(500) == []
        looks += 1
    assert looks > 3
