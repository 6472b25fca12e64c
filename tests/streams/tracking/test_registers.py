"""Keys that count once: bounded, ordered by what is said about them, and never guessed."""

import pytest

from streams.tracking import recent
from streams.tracking.recent import Entry
from streams.tracking.registers import PATTERNS, Statement, count_key, move_counts, void_key
from streams.tracking.state import State
from tests.streams.tracking.story import Story, at, event

DAY_MS = 86_400_000


def test_an_entry_is_found_by_its_key_alone() -> None:
    keys = [recent.key_of("family", str(number)) for number in range(50)]
    entries = b""
    for number, key in enumerate(keys):
        entries = recent.put(entries, key, Entry(number, number * 7), 0)
    assert [recent.find(entries, key) for key in keys] == [Entry(number, number * 7) for number in range(50)]
    assert recent.find(entries, recent.key_of("other", "1")) is None


def test_bytes_that_look_like_a_key_across_two_cells_are_no_key() -> None:
    marks = recent.mark(recent.mark(b"", b"abcdef", 0), b"ghijkl", 0)
    assert recent.is_marked(marks, b"ghijkl")
    assert not recent.is_marked(marks, marks[3:9])
    assert recent.is_marked(recent.mark(b"", b"xxabcd", 0) + b"abcd\x00\x00\x00\x00", b"abcd\x00\x00")


def test_at_most_512_keys_are_kept() -> None:
    marks = b""
    for number in range(600):
        marks = recent.mark(marks, recent.key_of("id", str(number)), 0)
    assert not recent.is_marked(marks, recent.key_of("id", "87"))
    assert recent.is_marked(marks, recent.key_of("id", "88"))


@pytest.mark.parametrize(("days", "is_kept"), [(0, True), (35, True), (36, False), (199, False), (-40, True)])
def test_keys_leave_after_35_days_and_stay_when_the_clock_is_set_back(days: int, is_kept: bool) -> None:
    marks = recent.mark(b"", b"abcdef", 1000 * DAY_MS)
    marks = recent.mark(marks, b"ghijkl", (1000 + days) * DAY_MS)
    assert recent.is_marked(marks, b"abcdef") == is_kept


def test_a_time_before_1970_has_the_first_stamp() -> None:
    assert recent.stamp_of(-5, 2) == recent.stamp_of(0, 2)


def _key(number: int) -> bytes:
    return recent.key_of("t", str(number))


def test_patterns_that_nothing_refers_to_make_room() -> None:
    state = State()
    for number in range(PATTERNS + 5):
        now_ms = number * 36 * DAY_MS
        counted = count_key(state, Statement(_key(number), 1, now_ms, (f"c{number}",)))
        assert counted is not None
        state = counted.state
    assert len(state.patterns) <= PATTERNS
    last = void_key(state, Statement(_key(PATTERNS + 4), 2, PATTERNS * 36 * DAY_MS))
    assert last is not None
    assert [(move.counter, move.after) for move in last.moves] == [(f"c{PATTERNS + 4}", 0)]


def test_what_counts_for_too_many_patterns_counts_but_cannot_be_taken_back() -> None:
    state = State()
    for number in range(PATTERNS + 1):
        counted = count_key(state, Statement(_key(number), 1, 0, (f"c{number}",)))
        assert counted is not None
        state = counted.state
    assert state.counts[f"c{PATTERNS}"] == 1
    voided = void_key(state, Statement(_key(PATTERNS), 2, 0))
    assert voided is not None
    assert (voided.moves, voided.state.counts[f"c{PATTERNS}"]) == ((), 1)
    again = count_key(state, Statement(_key(PATTERNS), 3, 0, (f"c{PATTERNS}",)))
    assert again is not None
    assert again.moves == ()


def test_no_counter_falls_below_zero() -> None:
    assert move_counts(State(), ("c",), -1).moves[0].after == 0


def test_a_counter_of_a_rulebook_that_is_gone_moves_without_a_word() -> None:
    story = Story("{id: it, tier: micro, when: {count: goal.completed, reaches: [1]}, where: {kind: core}}")
    story.tell(event("goal.completed", at(1), goal_id="g", kind="core"))
    story.plan = Story("{id: x, tier: micro, when: {count: a.b, reaches: [1]}}").plan
    story.tell(event("goal.reopened", at(2), goal_id="g"))
    assert story.said == ["it 1"]
    assert set(story.state.counts.values()) == {0}
