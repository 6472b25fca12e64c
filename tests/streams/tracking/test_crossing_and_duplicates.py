"""When a threshold is crossed, and what counts once (paragraphs 1 and 2 of the design of tracking)."""

import pytest

from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    SESSIONS,
    Story,
    at,
    booked,
    event,
)


def _attended(number: int) -> None:
    return event("session.completed", at(number), session_id=f"s{number}")


def test_1_every_threshold_that_is_crossed_fires_once_and_in_order() -> None:
    story = Story(HALFWAY)
    story.tell(event("course.progressed", at(1), course_id="c", percent=40))
    story.tell(event("course.progressed", at(2), course_id="c", percent=100))
    assert story.said == ["course 50", "course 100"]


def test_1_a_threshold_is_crossed_not_equalled() -> None:
    story = Story(SESSIONS)
    story.tell(*[event("session.completed", at(1), session_id="s1", named="a")] * 3)
    assert story.said == ["sessions 1"]


def test_1_every_n_names_the_multiple() -> None:
    story = Story("{id: tens, tier: micro, when: {count: session.completed, every: 2}}")
    story.tell(*[_attended(day) for day in range(1, 6)])
    assert [(m.threshold, m.value) for m in story.milestones] == [(2, 2), (4, 4)]


def test_2_the_same_id_counts_once_whatever_it_is_about() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s1", named="same"))
    again = story.tell(event("session.completed", at(1, 9), session_id="s2", named="same"))
    assert (again.outcome, story.said) == ("duplicate", ["sessions 1"])


def test_2_two_tools_that_report_one_session_count_once() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s1", named="tool"))
    story.tell(event("session.completed", at(1, 9), session_id="s1", named="platform"))
    assert story.said == ["sessions 1"]


@pytest.mark.parametrize(
    ("kind", "same", "other"),
    [
        ("lesson.completed", {"course_id": "c", "lesson_id": "1"}, {"course_id": "c", "lesson_id": "2"}),
        ("program.completed", {"program_id": "p"}, {"program_id": "q"}),
        ("purchase.completed", {"order_id": "o", "amount_cents": 1, "currency": "EUR"},
         {"order_id": "p", "amount_cents": 1, "currency": "EUR"}),
        ("goal.completed", {"goal_id": "g"}, {"goal_id": "h"}),
    ],
)  # fmt: skip
def test_2_business_keys_are_compared_within_their_type(kind: str, same: dict, other: dict) -> None:
    story = Story(f"{{id: it, tier: micro, when: {{count: {kind}, reaches: [1, 2]}}}}")
    story.tell(event(kind, at(1), named="1", **same), event(kind, at(2), named="2", **same))
    assert story.said == ["it 1"]
    story.tell(event(kind, at(3), named="3", **other))
    assert story.said == ["it 1", "it 2"]


def test_2_other_types_are_compared_by_their_id_alone() -> None:
    story = Story("{id: it, tier: micro, when: {count: session.no_show, reaches: [1, 2]}}")
    story.tell(*[event("session.no_show", at(1), session_id="s1", named=each) for each in ("a", "a", "b")])
    assert story.said == ["it 1", "it 2"]


def test_2_booking_and_completion_of_a_session_are_two_keys() -> None:
    story = Story(SESSIONS, "{id: welcome, tier: micro, when: {count: session.booked, reaches: [1]}}")
    story.tell(booked("s1", at(1), at(2)), booked("s1", at(1, 9), at(2)))
    story.tell(event("session.completed", at(2), session_id="s1"))
    assert story.said == ["welcome 1", "sessions 1"]


def test_2_a_key_that_was_reversed_may_count_again() -> None:
    story = Story(GOALS)
    story.tell(event("goal.completed", at(1), goal_id="g"), event("goal.reopened", at(2), goal_id="g"))
    story.tell(event("goal.completed", at(3), goal_id="g"))
    assert story.said == ["goals 1", "-goals 1", "goals 1 r2"]


def test_2_a_key_is_forgotten_after_35_days() -> None:
    story = Story("{id: it, tier: micro, when: {count: weight.logged, reaches: [1, 2]}}")
    first = event("weight.logged", at(1), named="a")
    story.tell(first, event("weight.logged", at(36), named="a"))
    assert story.said == ["it 1"]
    story.tell(event("weight.logged", at(36, 1), named="b"))
    story.tell(event("weight.logged", at(80), named="c"))
    story.tell(event("weight.logged", at(80, 1), named="a"))
    assert story.count(story.plan.counts["weight.logged"][0].key) == 4


def test_2_a_business_key_is_known_for_35_days_and_leaves_with_the_first_word_about_another_that_comes_later() -> None:
    rule = "{id: it, tier: micro, when: {count: program.completed, reaches: [1, 2]}}"
    for day, said in ((36, ["it 1"]), (37, ["it 1", "it 2"])):
        story = Story(rule)
        story.tell(event("program.completed", at(1), program_id="p", named="tool"))
        story.tell(event("goal.completed", at(day), goal_id="g"))
        story.tell(event("program.completed", at(day), program_id="p", named="platform"))
        assert story.said == said


def test_2_the_window_goes_by_arrival_and_not_by_event_time() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s", named="a"), now=at(40))
    story.tell(event("session.completed", at(41), session_id="s", named="b"))
    assert story.said == ["sessions 1"]


@pytest.mark.parametrize(("others", "said"), [(511, ["it 1"]), (512, ["it 1", "it 2"])])
def test_2_the_window_holds_512_keys(others: int, said: list[str]) -> None:
    story = Story(
        "{id: it, tier: micro, when: {count: program.completed, reaches: [1, 2]}}",
        "{id: tea, tier: micro, when: {count: tea.drunk, reaches: [9999]}}",
    )
    first = event("program.completed", at(1), program_id="p")
    story.tell(first, *[event("tea.drunk", at(1), named=f"tea{number}") for number in range(others)])
    story.tell(event("program.completed", at(2), program_id="p"))
    assert story.said == said


def test_2_a_completion_is_compared_with_others_of_its_type_alone() -> None:
    story = Story(
        "{id: in, tier: micro, when: {count: program.enrolled, reaches: [1, 2]}}",
        "{id: out, tier: micro, when: {count: program.completed, reaches: [1, 2]}}",
    )
    for number in range(2):
        story.tell(*[event(f"program.{kind}", at(1), program_id="p", named=f"{kind}{number}")
                     for kind in ("enrolled", "completed")])  # fmt: skip
    assert story.said == ["in 1", "out 1"]


def test_2_a_booking_is_one_by_its_session() -> None:
    story = Story("{id: welcome, tier: micro, when: {count: session.booked, reaches: [1, 2]}}")
    story.tell(booked("s1", at(1), at(2), named="tool"), booked("s1", at(1, 9), at(2), named="platform"))
    assert story.said == ["welcome 1"]
    story.tell(booked("s2", at(1, 10), at(3)))
    assert story.said == ["welcome 1", "welcome 2"]


def test_2_a_duplicate_of_any_type_is_said_to_be_one() -> None:
    story = Story(GOALS, HALFWAY, SESSIONS, "{id: tea, tier: micro, when: {sum: tea.drunk, of: cups, reaches: [9]}}")
    for each in (
        booked("s", at(1), at(2)), event("course.progressed", at(1), course_id="c", percent=60),
        event("course.completed", at(1), course_id="c"), event("tea.drunk", at(1), cups=2),
        event("goal.reopened", at(1), goal_id="g"), event("session.no_show", at(1), session_id="t"),
        event("session.attended", at(1), session_id="t"),
    ):  # fmt: skip
        assert story.tell(each).outcome == "applied", each.type
        assert story.tell(each).outcome == "duplicate", each.type
