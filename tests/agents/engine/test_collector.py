import gc
from collections.abc import Callable, Iterator

import pytest

from agents.engine.collector import hold_back, settle


class Cycle:
    """Refers to itself, as the states of a partition do through their deadlines."""

    alive = 0

    def __init__(self) -> None:
        self.itself = self
        Cycle.alive += 1

    def __del__(self) -> None:
        Cycle.alive -= 1


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize("begin", [settle, hold_back])
def test_what_was_alive_then_and_dropped_later_is_collected_at_the_next_settling(begin: Callable[[], None]) -> None:
    kept = Cycle()
    begin()
    assert gc.get_freeze_count() > 0
    del kept
    settle()
    assert Cycle.alive == 0


def test_held_back_it_does_not_walk_the_process_while_many_records_come_and_go() -> None:
    hold_back()
    began = gc.get_stats()[2]["collections"]
    for _ in range(30):
        assert [[number] for number in range(10_000)]
    assert gc.get_stats()[2]["collections"] == began
