"""A rulebook comes into force over what is known of a client (paragraph 10 of the design)."""

from datetime import UTC, datetime

import pytest

from schemas.event import Event
from streams.tracking.profiles import erase
from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    SESSIONS,
    STREAK,
    Story,
    at,
    check,
    event,
    plan_of,
    retracted,
    uncheck,
)

MORE = "{id: more, tier: micro, when: {count: goal.completed, reaches: [2, 4]}}"
TEA = "{id: tea, tier: micro, when: {count: tea.drunk, reaches: [1, 2]}}"
LIGHTER = "{id: lighter, tier: micro, when: {value: weight.logged, of: kilos, falls_to: [90]}}"
BROKEN = "{id: broken, tier: nudge, when: {lapse: streak, min_days: 2}}"
BIRTHDAY = '{id: birthday, tier: micro, when: {date: birthday, at: "09:00"}}'


def goals(*names: str, day: int) -> list[Event]:
    return [event("goal.completed", at(day), goal_id=name) for name in names]


def test_10_a_new_rule_with_a_known_signature_starts_from_its_count() -> None:
    story = Story(GOALS)
    story.tell(*goals("a", "b", "c", day=1))
    story.adopt(GOALS, MORE, now=at(2))
    story.tell(*goals("d", day=3))
    assert story.said == ["goals 1", "goals 2", "more 4"]


def test_10_thresholds_that_are_passed_already_enter_the_ledger_without_a_word_now_or_later() -> None:
    story = Story(GOALS)
    story.tell(*goals("a", "b", day=1))
    story.adopt(MORE, now=at(2))
    assert story.state is not None
    assert [key for key in story.state.awards if key.startswith("more")] == ["more\x1f2"]
    story.tell(event("goal.reopened", at(3), goal_id="a"), *goals("a2", day=4))
    assert story.said == ["goals 1", "goals 2"]


def test_10_a_new_signature_starts_at_adoption() -> None:
    story = Story(GOALS)
    story.tell(event("tea.drunk", at(1), cups=1), *goals("a", day=1))
    story.adopt(GOALS, TEA, now=at(2))
    story.tell(event("tea.drunk", at(3), cups=1))
    assert story.said == ["goals 1", "tea 1"]


def test_10_where_and_per_make_another_signature() -> None:
    story = Story(GOALS)
    story.tell(event("goal.completed", at(1), goal_id="a", kind="core"))
    core = "{id: core, tier: micro, when: {count: goal.completed, reaches: [1, 2]}, where: {kind: [core]}}"
    each = "{id: each, tier: micro, when: {count: goal.completed, per: goal_id, reaches: [1]}}"
    story.adopt(core, each, now=at(2))
    story.tell(event("goal.completed", at(3), goal_id="b", kind="core"))
    assert [(m.rule, m.threshold, m.value) for m in story.milestones] == [
        ("goals", 1, 1), ("core", 1, 1), ("each", 1, 1),
    ]  # fmt: skip


def test_10_a_rule_that_is_taken_out_and_put_back_goes_on_where_its_counter_is() -> None:
    story = Story(TEA)
    story.tell(event("tea.drunk", at(1), cups=1))
    story.adopt(GOALS, now=at(2))
    story.adopt(TEA, now=at(3))
    story.tell(event("tea.drunk", at(4), cups=1))
    assert story.said == ["tea 1", "tea 2"]


def test_10_an_award_that_was_withdrawn_before_its_rule_was_away_is_not_withdrawn_again() -> None:
    story = Story(TEA)
    (first, second) = (event("tea.drunk", at(day), cups=1) for day in (1, 3))
    story.tell(first, retracted(first, at(2)))
    story.adopt(TEA.replace("id: tea", "id: other"), now=at(2))
    story.tell(second)
    story.adopt(TEA, now=at(4))
    story.tell(retracted(second, at(5)), event("tea.drunk", at(6), cups=1))
    assert story.said == ["tea 1", "-tea 1", "other 1", "tea 1 r2"]


def test_10_a_rule_by_another_id_is_another_award() -> None:
    story = Story(GOALS)
    story.tell(*goals("a", day=1))
    story.adopt(GOALS.replace("id: goals", "id: renamed"), now=at(2))
    story.tell(*goals("b", day=3))
    assert story.said == ["goals 1", "renamed 2"]


def test_10_a_rulebook_that_is_known_already_changes_nothing() -> None:
    story = Story(GOALS)
    story.tell(*goals("a", day=1))
    before = story.state
    story.adopt(GOALS, now=at(2))
    assert story.state is before


@pytest.mark.parametrize("through", ["tick", "event", "profile"])
def test_10_whatever_comes_first_under_a_rulebook_adopts_it(through: str) -> None:
    story = Story(GOALS)
    story.tell(*goals("a", "b", day=1), check(1), check(2), check(1, habit_id="swim"))
    story.plan = plan_of(MORE, STREAK, BROKEN)
    if through == "tick":
        story.wait_until(at(2))
    elif through == "event":
        story.tell(check(2))
    else:
        story.profile(now=at(2))
    assert story.state is not None
    assert (story.state.stamp, "more\x1f2" in story.state.awards) == (story.plan.stamp, True)


def test_10_marks_that_are_passed_already_enter_the_ledger() -> None:
    story = Story(HALFWAY, LIGHTER)
    story.tell(event("course.progressed", at(1), course_id="c", percent=80))
    story.tell(event("weight.logged", at(1), kilos=99), event("weight.logged", at(2), kilos=84))
    story.heard()
    more = HALFWAY.replace("course, tier", "late, tier").replace("[50, 100]", "[70, 90]")
    lower = LIGHTER.replace("id: lighter", "id: lower").replace("[90]", "[85, 80]")
    story.adopt(more, lower, now=at(3))
    assert story.state is not None
    assert sorted(key for key in story.state.awards if key.startswith("l")) == [
        "late\x1f70\x1fc", "lighter\x1f90", "lower\x1f85",
    ]  # fmt: skip
    story.tell(event("course.progressed", at(4), course_id="c", percent=95))
    story.tell(event("weight.logged", at(5), kilos=86), event("weight.logged", at(6), kilos=79))
    assert story.heard() == ["late 90", "lower 80"]


def test_10_runs_that_are_long_enough_enter_the_ledger_each_by_itself() -> None:
    story = Story(GOALS)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)], check(1, habit_id="swim"))
    story.adopt(STREAK, now=at(7, 12))
    story.tell(check(8))
    assert story.said == []
    story.tell(check(9))
    assert [(m.threshold, m.occurrence) for m in story.milestones] == [(5, "run/2026-05-05")]
    story.tell(uncheck(6, at(10)), check(2, habit_id="swim"), check(3, habit_id="swim"))
    assert [(m.threshold, m.occurrence) for m in story.milestones[1:]] == [
        (5, "run/2026-05-05"), (3, "swim/2026-05-01"),
    ]  # fmt: skip


def test_10_of_any_habit_as_of_each_the_runs_enter_the_ledger_and_the_lapse_is_waited_for() -> None:
    any_habit = "{id: any, tier: streak, when: {streak: habit.checked, days: [3, 4]}, repeat: per-streak}"
    story = Story(GOALS)
    story.tell(check(3), check(4, habit_id="swim"), check(5))
    story.adopt(any_habit, BROKEN.replace("streak", "any"), now=at(5, 12))
    story.profile(now=at(5, 13), timezone="Europe/Vienna")
    story.tell(check(6, habit_id="read"))
    story.wait_until(at(20))
    assert [(m.rule, m.threshold, m.occurrence, m.reached_at) for m in story.milestones] == [
        ("any", 4, "2026-05-03", at(6)), ("broken", None, "2026-05-03", at(9, 10)),
    ]  # fmt: skip


def test_10_a_run_that_is_broken_already_is_not_missed_afterwards() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3, 10, 11)])
    story.adopt(STREAK, BROKEN, now=at(12))
    story.wait_until(at(14, 11.999))
    assert story.said == ["streak 3"]
    story.wait_until(at(14, 12))
    assert [(m.rule, m.occurrence) for m in story.milestones[1:]] == [("broken", "run/2026-05-10")]
    story.tell(check(4, at(15)))
    story.wait_until(at(15))
    assert story.said[2:] == []


def test_10_a_lapse_that_is_due_at_the_moment_of_adoption_has_passed() -> None:
    story = Story(STREAK)
    story.tell(check(4), check(5))
    story.adopt(STREAK, BROKEN, now=at(8, 12))
    story.wait_until(at(30))
    assert story.said == []


def test_10_a_lapse_that_was_waited_for_is_waited_for_under_another_rulebook() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(4), check(5))
    story.adopt(STREAK, BROKEN, GOALS, now=at(6))
    story.wait_until(at(8, 12))
    assert story.said == ["broken None"]
    late = Story(STREAK, BROKEN)
    late.tell(check(4), check(5))
    late.adopt(STREAK, BROKEN, GOALS, now=at(9))
    late.wait_until(at(9))
    assert [(m.rule, m.reached_at) for m in late.milestones] == [("broken", at(8, 12))]


def test_10_a_lapse_whose_rule_is_gone_says_nothing() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(4), check(5))
    story.plan = plan_of(STREAK)
    story.wait_until(at(8, 12))
    assert (story.said, story.state and story.state.lapses) == ([], {})


def test_10_a_rule_of_a_date_starts_at_adoption() -> None:
    story = Story(GOALS)
    story.profile(birthday="05-20")
    story.adopt(BIRTHDAY, now=at(20, 9))
    story.wait_until(at(21))
    assert story.said == []
    story.wait_until(datetime(2027, 5, 20, 9, tzinfo=UTC))
    assert [m.occurrence for m in story.milestones] == ["2027"]


def test_10_a_rule_of_a_date_waits_for_the_profile_of_a_client() -> None:
    story = Story(GOALS)
    story.tell(*goals("a", day=1))
    story.adopt(BIRTHDAY, now=at(2))
    story.wait_until(at(3))
    story.profile(now=at(3), birthday="05-20")
    story.wait_until(at(21))
    assert story.said == ["goals 1", "birthday None"]


def test_10_an_erased_client_adopts_nothing() -> None:
    story = Story(GOALS, state=erase("t1/c1", plan_of(GOALS), 5))
    story.adopt(MORE, BIRTHDAY, now=at(2))
    assert story.state == erase("t1/c1", story.plan, 5)


def test_10_counts_of_sessions_and_goals_are_kept_for_rules_that_come_later() -> None:
    story = Story(TEA)
    story.tell(event("session.completed", at(1), session_id="s1"), *goals("a", day=1))
    story.adopt(SESSIONS, GOALS, now=at(2))
    story.tell(event("session.completed", at(3), session_id="s2"), *goals("b", day=3))
    assert story.said == ["sessions 2", "goals 2"]


def test_10_a_lapse_that_had_passed_at_adoption_stays_unheard_when_its_run_goes_on_and_breaks() -> None:
    story = Story(STREAK)
    story.tell(check(4), check(5))
    story.adopt(STREAK, BROKEN, now=at(8, 12))
    story.tell(check(6, at(8, 13)))
    story.wait_until(at(30))
    assert story.said == ["streak 3"]


def test_10_runs_of_a_single_day_enter_the_ledger_and_those_of_habits_that_a_rule_leaves_out_do_not() -> None:
    daily = STREAK.replace("[3, 5]", "[1, 3]").replace("repeat", "where: {habit_id: run}, repeat")
    story = Story(GOALS)
    story.tell(check(1), check(1, habit_id="swim"))
    story.adopt(daily, now=at(1, 12))
    assert story.state is not None
    assert list(story.state.awards) == ["streak\x1f1\x1frun"]
    story.tell(check(2), check(3))
    assert story.said == ["streak 3"]
