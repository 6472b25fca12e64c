from hypothesis import given
from hypothesis import strategies as st

from agents.engine.deadlines import Deadlines


class Table:
    """Stored deadlines, as the states of a partition carry them."""

    def __init__(self) -> None:
        self.due: dict[bytes, int] = {}
        self.deadlines = Deadlines(lambda key: self.due.get(key, -1))

    def move(self, key: bytes, due_ms: int) -> None:
        before = self.due.get(key, -1)
        self.due[key] = due_ms
        self.deadlines.moved(key, before, due_ms)


def test_due_keys_come_earliest_first_and_only_up_to_the_limit() -> None:
    table = Table()
    for key, due_ms in ((b"c", 30), (b"a", 10), (b"b", 20), (b"d", 99)):
        table.move(key, due_ms)
    assert table.deadlines.due(50, 2) == [b"a", b"b"]
    assert table.deadlines.due(50, 9) == [b"a", b"b", b"c"]


def test_a_key_stays_due_until_its_state_says_otherwise() -> None:
    table = Table()
    table.move(b"a", 10)
    assert table.deadlines.due(10, 5) == [b"a"]
    assert table.deadlines.due(10, 5) == [b"a"]
    table.move(b"a", -1)
    assert table.deadlines.due(10, 5) == []
    assert table.deadlines.next_ms() is None


def test_a_parked_key_is_asked_for_again_once_its_deadline_has_moved_and_the_others_all_along() -> None:
    table = Table()
    for key, due_ms in ((b"a", 10), (b"b", 20), (b"c", 30)):
        table.move(key, due_ms)
    table.deadlines.park({b"a", b"c"})
    assert table.deadlines.due(50, 5) == [b"b"]
    assert table.deadlines.next_ms() == 20
    table.move(b"a", 40)
    assert table.deadlines.due(50, 5) == [b"b", b"a"]


def test_stale_entries_never_outgrow_the_keys_by_much() -> None:
    table = Table()
    for step in range(50_000):
        table.move(b"%d" % (step % 10), step)
    assert len(table.deadlines._heap) <= 2 * 10 + 1_001


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 30)), max_size=80), st.integers(0, 30))
def test_whatever_moved_due_means_what_the_states_say(moves: list[tuple[int, int]], now_ms: int) -> None:
    table = Table()
    for key, due_ms in moves:
        table.move(b"%d" % key, due_ms)
    wanted = {key for key, due_ms in table.due.items() if 0 <= due_ms <= now_ms}
    found = table.deadlines.due(now_ms, 100)
    assert set(found) == wanted
    assert [table.due[key] for key in found] == sorted(table.due[key] for key in found)
    assert len(table.deadlines) == sum(due_ms >= 0 for due_ms in table.due.values())
