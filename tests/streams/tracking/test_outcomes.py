"""Every event has an outcome, and facts say what a message will need."""

import pytest

from schemas.rulebook import load_rulebook
from streams.tracking.compiling import compile_rulebook
from tests.streams.tracking.story import GOALS, HALFWAY, SESSIONS, STREAK, Story, at, booked, check, event, plan_of


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("purchase.refunded", {"order_id": "o", "amount_cents": 1, "currency": "EUR"}),
        ("weight.logged", {"kilos": 80}),
    ],
)
def test_a_valid_event_that_no_rule_asks_for_is_unused(kind: str, data: dict) -> None:
    story = Story(SESSIONS)
    assert story.tell(event(kind, at(1), **data)).outcome == "unused"


def test_what_a_rule_counts_of_an_undecided_type_is_counted() -> None:
    story = Story("{id: it, tier: micro, when: {count: membership.renewed, reaches: [2]}}")
    story.tell(event("membership.renewed", at(1), program_id="p"), event("membership.renewed", at(2)))
    assert story.said == ["it 2"]


def test_an_event_is_late_when_it_is_older_than_the_grace() -> None:
    story = Story(SESSIONS, defaults="{grace_hours: 24}")
    assert story.tell(event("session.completed", at(1), session_id="a"), now=at(2)).outcome == "applied"
    assert story.tell(event("session.completed", at(1), session_id="b"), now=at(2, 8.1)).outcome == "late"


def test_where_and_per_choose_what_is_counted() -> None:
    story = Story(
        "{id: mat, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga, pilates]}}",
        "{id: program, tier: micro, when: {count: session.completed, per: program_id, reaches: [2]}}",
    )
    for number, (kind, program) in enumerate([("run", "a"), ("yoga", "b"), (None, "a"), ("pilates", None)]):
        data = {name: value for name, value in (("kind", kind), ("program_id", program)) if value}
        story.tell(event("session.completed", at(1), session_id=f"s{number}", **data))
    assert [(m.rule, m.occurrence) for m in story.milestones] == [("mat", "once"), ("program", "a")]


def test_where_compares_numbers_dates_and_truth_as_they_are_written() -> None:
    story = Story(
        "{id: n, tier: micro, when: {count: weight.logged, reaches: [1]}, where: {kilos: 80}}",
        "{id: b, tier: micro, when: {count: weight.logged, reaches: [1]}, where: {fasted: true}}",
        "{id: d, tier: micro, when: {count: habit.checked, reaches: [1]}, where: {day: '2026-05-02'}}",
    )
    story.tell(event("weight.logged", at(1), kilos=1, fasted=1), event("weight.logged", at(2), kilos=80, fasted=True))
    story.tell(check(1), check(2))
    assert story.said == ["n 1", "b 1", "d 1"]


def test_rules_that_count_the_same_share_a_counter() -> None:
    plan = plan_of(SESSIONS, SESSIONS.replace("id: sessions", "id: others"), GOALS)
    (signature,) = plan.counts["session.completed"]
    assert [rule.id for rule in signature.rules] == ["sessions", "others"]


def test_a_disabled_rule_is_left_out_and_a_name_is_filled_in() -> None:
    text = """
rules:
  - {id: off, tier: micro, when: {count: goal.completed, reaches: [1]}, enabled: false}
  - {id: two-in-all, tier: micro, when: {count: goal.completed, reaches: [2]}}
  - {id: named, tier: micro, when: {count: goal.completed, reaches: [1]}, name: "Goal {threshold}!", moment: m}
"""
    plan = compile_rulebook(load_rulebook(text, "x"))
    story = Story(GOALS)
    story.plan = plan
    story.tell(*[event("goal.completed", at(1), goal_id=goal) for goal in "ab"])
    assert [(m.name, m.moment) for m in story.milestones] == [("Goal 1!", "m"), ("Two in all", None)]


def test_facts_carry_what_happened_and_the_way_so_far() -> None:
    story = Story(SESSIONS, GOALS, HALFWAY, STREAK)
    story.profile(joined_on="2026-04-10")
    story.tell(*[check(day) for day in (1, 2, 3)])
    story.tell(event("course.progressed", at(4), course_id="c", percent=60, title="Nutrition"))
    story.tell(event("session.completed", at(5), session_id="s", program_id="p", title="Intro"))
    streak, course, session = story.milestones
    assert streak.facts == {
        "habit_id": "run", "streak_days": 3, "streak_began_on": "2026-05-01", "inferred": False,
        "so_far": {"sessions": 0, "goals": 0, "current_streak": 3, "longest_streak": 3, "percents": {},
                   "weeks_since_joining": 3},
    }  # fmt: skip
    assert (course.facts["title"], course.facts["percent"]) == ("Nutrition", 60)
    assert course.facts["so_far"]["current_streak"] == 3
    assert (session.facts["session_number"], session.facts["count"], session.facts["program_id"]) == (1, 1, "p")
    assert session.facts["so_far"] == {
        "sessions": 1, "goals": 0, "current_streak": 0, "longest_streak": 3, "percents": {"c": 60},
        "weeks_since_joining": 3,
    }  # fmt: skip


def test_a_joining_that_lies_ahead_has_no_weeks() -> None:
    story = Story(GOALS)
    story.profile(joined_on="2026-06-01", renewal_on="2027-01-01")
    story.tell(event("goal.completed", at(1), goal_id="g"))
    assert "weeks_since_joining" not in story.milestones[0].facts["so_far"]


def test_a_milestone_carries_who_decided_and_what_caused_it() -> None:
    story = Story(GOALS)
    story.tell(event("goal.completed", at(1), goal_id="g", named="e-1"))
    (reached,) = story.milestones
    assert (reached.rulebook, reached.caused_by, reached.kind) == (story.plan.digest, "e-1", "count")
    assert (reached.tenant, reached.client, reached.occurrence) == ("t1", "c1", "once")


def test_a_type_may_be_counted_and_measured_by_one_event() -> None:
    story = Story(HALFWAY, "{id: steps, tier: micro, when: {count: course.progressed, reaches: [2]}}")
    first = event("course.progressed", at(1), course_id="c", percent=50)
    story.tell(first, first, event("course.progressed", at(2), course_id="c", percent=10))
    assert story.said == ["course 50", "steps 2"]


def test_counting_bookings_and_waiting_for_them_go_together() -> None:
    story = Story(SESSIONS, "{id: welcome, tier: micro, when: {count: session.booked, reaches: [1]}}")
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    assert story.said == ["welcome 1", "sessions 1"]
