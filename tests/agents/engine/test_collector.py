import gc

from agents.engine.collector import settle


class Cycle:
    """Refers to itself, as the states of a partition do through their deadlines."""

    alive = 0

    def __init__(self) -> None:
        self.itself = self
        Cycle.alive += 1

    def __del__(self) -> None:
        Cycle.alive -= 1


def test_what_was_alive_at_one_settling_and_dropped_before_the_next_is_collected() -> None:
    thresholds = gc.get_threshold()
    kept = Cycle()
    settle()
    assert gc.get_freeze_count() > 0
    del kept
    settle()
    assert Cycle.alive == 0
    gc.unfreeze()
    gc.set_threshold(*thresholds)
