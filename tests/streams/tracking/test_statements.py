"""Keys that count once: bounded, ordered by what is said about them, and never guessed."""

import pytest

from streams.tracking import statements
from streams.tracking.state import State
from streams.tracking.statements import ATTENDED, BOOKED, COMPLETED, FALLEN, NO_PATTERN, Statement, prevailing
from streams.tracking.tallies import Said, say, unsay
from tests.streams.tracking.story import Story, at, event

DAY_MS = 86_400_000


def _statement(number: int, kind: int = COMPLETED, stamp: int = 0) -> Statement:
    return Statement(_key(number), _key(number)[:4], kind, number % NO_PATTERN, stamp)


def _key(number: int) -> bytes:
    return statements.key_of("family", str(number))


def _said(number: int, now_ms: int, *, kind: int = COMPLETED, stamp: int = 1, counters: tuple[str, ...] = ()) -> Said:
    return Said(_key(number), b"%04d" % (number * 10 + kind), stamp, now_ms, counters, kind=kind)


def test_a_statement_is_found_by_its_key_and_by_its_event_alone() -> None:
    cells = b""
    for number in range(50):
        cells = statements.add(cells, _statement(number, stamp=number * 7), 0)
    for number in range(50):
        assert statements.about(cells, _key(number)) == [_statement(number, stamp=number * 7)]
        assert statements.by_event(cells, _key(number)[:4]) == [_statement(number, stamp=number * 7)]
    assert not statements.about(cells, statements.key_of("other", "1"))
    assert len(statements.without_event(cells, _key(7)[:4])) == 49 * statements.CELL


def test_bytes_that_look_like_a_key_across_two_cells_are_no_key() -> None:
    cells = statements.add(statements.add(b"", _statement(1), 0), _statement(2), 0)
    assert not any(statements.about(cells, cells[at : at + 5]) for at in range(1, statements.CELL))
    looks_like_ids = [at for at in range(1, statements.CELL) if at != 5]
    assert not any(statements.is_by(cells, cells[at : at + 4]) for at in looks_like_ids)
    assert statements.is_by(cells, cells[5:9])


def test_an_id_is_found_beside_bytes_that_look_like_it() -> None:
    nobody = Statement(b"key\0\0", bytes(4), COMPLETED, 1, 7)
    cells = statements.add(b"", nobody, 0)
    assert statements.by_event(cells, bytes(4)) == [nobody]


def test_at_most_512_statements_are_kept() -> None:
    cells = b""
    for number in range(600):
        cells = statements.add(cells, _statement(number), 0)
    assert not statements.about(cells, _key(87))
    assert statements.about(cells, _key(88))


@pytest.mark.parametrize(
    ("days", "is_kept"), [(0, True), (35, True), (36, False), (199, False), (200, True), (-40, True)]
)
def test_statements_leave_after_35_days_and_stay_when_the_clock_is_set_back(days: int, is_kept: bool) -> None:
    cells = statements.add(b"", _statement(1), 1000 * DAY_MS)
    cells = statements.add(cells, _statement(2), (1000 + days) * DAY_MS)
    assert bool(statements.about(cells, _key(1))) == is_kept


def test_a_time_before_2015_has_the_first_stamp_and_one_after_2049_the_last() -> None:
    assert statements.stamp_of(-5, FALLEN) == statements.stamp_of(0, FALLEN) == FALLEN
    assert statements.stamp_of(2**42, COMPLETED) == 2**32 - 1


@pytest.mark.parametrize(
    ("said", "counts_by"),
    [
        ([(COMPLETED, 1)], 0),
        ([(ATTENDED, 1)], None),
        ([(FALLEN, 1), (ATTENDED, 2)], None),
        ([(COMPLETED, 1), (COMPLETED, 2)], 0),
        ([(COMPLETED, 1), (FALLEN, 2)], None),
        ([(FALLEN, 2), (COMPLETED, 1)], None),
        ([(FALLEN, 1), (COMPLETED, 2)], 1),
        ([(COMPLETED, 1), (FALLEN, 2), (ATTENDED, 3)], 0),
        ([(COMPLETED, 1), (FALLEN, 2), (COMPLETED, 3)], 2),
        ([(BOOKED, 1), (BOOKED, 2)], 1),
        ([(BOOKED, 1), (COMPLETED, 2)], 0),
        ([(BOOKED, 1), (FALLEN, 2), (BOOKED, 3)], 2),
    ],
)
def test_what_prevails_is_told_in_order_of_time(said: list[tuple[int, int]], counts_by: int | None) -> None:
    known = [Statement(b"key..", b"%04d" % n, kind, 0, stamp) for n, (kind, stamp) in enumerate(said)]
    found = prevailing(known)
    assert found == (None if counts_by is None else known[counts_by])


def test_a_later_booking_that_is_not_over_puts_a_session_off() -> None:
    known = [Statement(b"key..", b"0000", BOOKED, 0, 5)]
    assert prevailing(known, (9,)) is None
    assert prevailing(known, (4,)) == known[0]


def test_patterns_that_nothing_refers_to_make_room() -> None:
    state = State()
    for number in range(NO_PATTERN + 5):
        state = say(state, _said(number, number * 36 * DAY_MS, counters=(f"c{number}",))).state
    assert len(state.patterns) <= NO_PATTERN
    last = say(state, _said(NO_PATTERN + 4, NO_PATTERN * 36 * DAY_MS, kind=FALLEN, stamp=2))
    assert [(move.counter, move.after) for move in last.moves] == [(f"c{NO_PATTERN + 4}", 0)]


def test_what_is_still_referred_to_counts_for_the_same_after_others_made_room() -> None:
    state = State()
    for number in range(NO_PATTERN):
        state = say(state, _said(number, (number // 60) * 36 * DAY_MS, counters=(f"c{number}",))).state
    state = say(state, _said(NO_PATTERN, 36 * DAY_MS, counters=("new",))).state
    assert state.patterns == (("c60",), ("c61",), ("c62",), ("new",))
    for number, counter in ((61, "c61"), (NO_PATTERN, "new")):
        fallen = say(state, _said(number, 36 * DAY_MS, kind=FALLEN, stamp=2))
        assert [(move.counter, move.after) for move in fallen.moves] == [(counter, 0)]


def test_what_counts_for_too_many_patterns_counts_but_cannot_be_taken_back() -> None:
    state = State()
    for number in range(NO_PATTERN + 1):
        state = say(state, _said(number, 0, counters=(f"c{number}",))).state
    assert state.counts[f"c{NO_PATTERN}"] == 1
    voided = say(state, _said(NO_PATTERN, 0, kind=FALLEN, stamp=2))
    assert (voided.moves, voided.state.counts[f"c{NO_PATTERN}"]) == ((), 1)
    again = say(voided.state, _said(NO_PATTERN, 0, stamp=3, counters=(f"c{NO_PATTERN}",)))
    assert again.moves == ()


def test_what_an_event_said_is_unsaid_and_what_stood_before_stands_again() -> None:
    state = say(State(), _said(1, 0, counters=("c",))).state
    fallen = say(state, _said(1, 0, kind=FALLEN, stamp=2))
    assert fallen.state.counts == {"c": 0}
    assert unsay(fallen.state, b"%04d" % (10 + FALLEN)).state.counts == {"c": 1}
    assert unsay(fallen.state, b"%04d" % (10 + COMPLETED)).state.counts == {"c": 0}


def test_a_counter_of_a_rulebook_that_is_gone_moves_without_a_word() -> None:
    story = Story("{id: it, tier: micro, when: {count: goal.completed, reaches: [1]}, where: {kind: core}}")
    story.tell(event("goal.completed", at(1), goal_id="g", kind="core"))
    story.plan = Story("{id: x, tier: micro, when: {count: a.b, reaches: [1]}}").plan
    story.tell(event("goal.reopened", at(2), goal_id="g"))
    assert story.said == ["it 1"]
    assert story.state is not None
    assert set(story.state.counts.values()) == {0}
