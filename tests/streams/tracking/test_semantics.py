"""What is easy to get wrong, each by the number of its paragraph in the design of tracking."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    ONCE,
    SESSIONS,
    STREAK,
    Story,
    at,
    booked,
    check,
    event,
    rescheduled,
    uncheck,
)


def _attended(number: int) -> None:
    return event("session.completed", at(number), session_id=f"s{number}")


# 1. Crossing


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


# 2. Duplicates


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


# 3. Local days


@pytest.mark.parametrize(
    ("when", "zone", "day"),
    [
        (datetime(2026, 5, 5, 23, 30, tzinfo=UTC), "Europe/Vienna", "2026-05-06"),
        (datetime(2026, 5, 5, 1, 0, tzinfo=UTC), "America/Los_Angeles", "2026-05-04"),
        (datetime(2026, 5, 5, 10, 30, tzinfo=UTC), "Pacific/Kiritimati", "2026-05-06"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "Europe/Vienna", "2026-03-29"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Vienna", "2026-10-25"),
        (datetime(2026, 5, 5, 23, 30, tzinfo=timezone(timedelta(hours=-12))), "UTC", "2026-05-06"),
    ],
)
def test_3_a_day_is_the_date_in_the_zone_and_never_in_the_offset_of_the_time(
    when: datetime, zone: str, day: str
) -> None:
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, days: [1]}}")
    story.tell(event("habit.checked", when, habit_id="run", timezone=zone), now=when)
    assert story.milestones[0].occurrence == day


def test_3_the_day_of_the_data_comes_before_its_zone_before_the_profile_before_the_default() -> None:
    late = datetime(2026, 5, 5, 23, 30, tzinfo=UTC)
    rule = "{id: s, tier: streak, when: {streak: habit.checked, per: habit_id, days: [1]}}"
    story = Story(rule, defaults="{timezone: America/New_York}")
    story.tell(event("habit.checked", late, habit_id="default"))
    story.profile(timezone="Asia/Tokyo")
    story.tell(event("habit.checked", late, habit_id="profile"))
    story.tell(event("habit.checked", late, habit_id="data", timezone="America/New_York"))
    story.tell(event("habit.checked", late, habit_id="day", timezone="Asia/Tokyo", day="2026-05-04"))
    assert [m.occurrence for m in story.milestones] == [
        "default/2026-05-05", "profile/2026-05-06", "data/2026-05-05", "day/2026-05-04",
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["profile", "defaults"])
def test_3_a_check_after_midnight_belongs_to_the_evening_before_if_the_day_starts_later(where: str) -> None:
    defaults = '{day_starts_at: "04:00"}' if where == "defaults" else "{}"
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, days: [1]}}", defaults=defaults)
    if where == "profile":
        story.profile(day_starts_at="04:00")
    story.tell(event("habit.checked", at(5, 3.9), habit_id="run"))
    assert story.milestones[0].occurrence == "2026-05-04"


def test_3_a_later_zone_does_not_rewrite_history() -> None:
    story = Story(STREAK)
    story.tell(*[event("habit.checked", at(day, 23.5), habit_id="run") for day in (1, 2)])
    story.profile(timezone="Asia/Tokyo")
    story.tell(event("habit.checked", at(3, 5), habit_id="run"))
    assert story.said == ["streak 3"]


# 4. Streaks


def test_4_a_run_of_days_reaches_each_length_once() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 10)])
    assert [(m.threshold, m.occurrence, m.value) for m in story.milestones] == [
        (3, "run/2026-05-01", 3), (5, "run/2026-05-01", 5),
    ]  # fmt: skip


def test_4_several_checks_on_a_day_are_one() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(1, at(1, 9)), check(1, at(1, 10)), check(2))
    assert story.said == []


def test_4_a_new_run_may_reach_it_again_only_per_streak() -> None:
    story = Story(STREAK, ONCE)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    assert story.said == ["streak 3", "once 3", "streak 3"]
    assert story.milestones[0].milestone_id != story.milestones[2].milestone_id


def test_4_late_days_join_two_runs_without_a_second_award() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    story.tell(check(4, at(8)))
    assert story.said == ["streak 3", "streak 3", "streak 5"]
    assert (story.milestones[2].occurrence, story.milestones[2].value) == ("run/2026-05-01", 7)


def test_4_an_uncheck_withdraws_and_a_check_brings_back_the_same_id() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2), check(2, at(2, 22)))
    assert story.said == ["streak 3", "-streak 3", "streak 3 r2"]
    assert len({m.milestone_id for m in story.milestones}) == 1


def test_4_an_award_stands_as_long_as_one_of_its_runs_is_long_enough() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 6)], uncheck(1))
    assert story.said == ["streak 3", "streak 5", "-streak 5"]


def test_4_a_withdrawn_award_belongs_to_the_run_that_overlaps_its_days() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2), check(4), check(5))
    assert story.said == ["streak 3", "-streak 3", "streak 3 r2"]


def test_4_a_rule_of_once_stands_while_any_run_is_long_enough() -> None:
    story = Story(ONCE)
    story.tell(*[check(day) for day in (1, 2, 3, 7, 8, 9)], uncheck(2))
    assert story.said == ["once 3"]
    story.tell(uncheck(8))
    assert story.said == ["once 3", "-once 3"]


def test_4_the_latest_statement_about_a_day_wins_whatever_arrives_first() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(3, at(3, 12)))
    stale = story.tell(uncheck(3, at(3, 10)))
    assert (stale.outcome, story.said) == ("duplicate", ["streak 3"])


def test_4_about_a_day_long_past_the_statement_that_arrives_last_wins() -> None:
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, per: habit_id, days: [2]}}")
    story.tell(check(50), check(1, at(50)), check(2, at(50)), uncheck(1, at(49)))
    assert story.said == ["s 2", "-s 2"]


def test_4_an_uncheck_of_weeks_ago_is_remembered_with_its_time() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2, at(4)), *[check(day) for day in range(10, 13)])
    assert story.tell(check(2, at(3, 23)), now=at(12)).outcome == "duplicate"
    story.tell(check(20), check(2, at(5)), now=at(20))
    assert story.said == ["streak 3", "-streak 3", "streak 3", "streak 3 r2"]


def test_4_without_per_any_habit_keeps_the_streak_alive() -> None:
    story = Story("{id: any, tier: streak, when: {streak: habit.checked, days: [3]}, repeat: per-streak}")
    story.tell(check(1), check(2, habit_id="swim"), check(2), check(3, habit_id="read"))
    assert [m.occurrence for m in story.milestones] == ["2026-05-01"]
    story.tell(uncheck(2))
    assert story.said == ["any 3"]
    story.tell(uncheck(2, habit_id="swim"))
    assert story.said == ["any 3", "-any 3"]


def test_4_where_chooses_habits() -> None:
    story = Story(
        "{id: both, tier: streak, when: {streak: habit.checked, days: [2]}, where: {habit_id: [run, swim]}}",
        "{id: run, tier: streak, when: {streak: habit.checked, per: habit_id, days: [2]}, where: {habit_id: run}}",
    )
    story.tell(check(1), check(2, habit_id="read"), check(2, habit_id="swim"))
    assert story.said == ["both 2"]


def test_4_a_reported_streak_fills_its_days() -> None:
    story = Story(STREAK)
    story.tell(event("streak.reported", at(10), habit_id="run", days=4))
    story.tell(check(11))
    assert [(m.threshold, m.occurrence) for m in story.milestones] == [(3, "run/2026-05-07"), (5, "run/2026-05-07")]


def test_4_a_reported_streak_of_years_is_one_statement() -> None:
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, days: [1000]}}")
    story.tell(check(1), event("streak.reported", at(10), habit_id="run", days=1000))
    assert story.said == ["s 1000"]
    assert story.tell(event("streak.reported", at(10), habit_id="run", days=1000)).outcome == "duplicate"
    assert story.tell(event("streak.reported", at(11), habit_id="run", days=0)).outcome == "duplicate"


# 6. Booked is not attended


def test_6_a_booked_session_counts_after_its_hold_off() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2, 10), title="Yoga with Ann", kind="yoga"))
    story.wait_until(at(2, 11.99))
    assert story.said == []
    story.wait_until(at(2, 12))
    (reached,) = story.milestones
    assert (reached.reached_at, reached.caused_by, reached.facts["inferred"]) == (at(2, 10), None, True)
    assert (reached.facts["title"], reached.facts["kind"]) == ("Yoga with Ann", "yoga")


def test_6_a_rescheduled_then_cancelled_session_is_not_a_completed_one() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), rescheduled("s1", at(1, 9), at(3)))
    story.wait_until(at(2, 20))
    story.tell(event("session.canceled", at(2, 21), session_id="s1"))
    story.wait_until(at(9))
    assert story.said == []


def test_6_a_reschedule_moves_it() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), rescheduled("s1", at(1, 9), at(5)))
    story.wait_until(at(4))
    assert story.said == []
    story.wait_until(at(6))
    assert [m.reached_at for m in story.milestones] == [at(5)]


def test_6_a_reschedule_that_comes_late_takes_back_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 12), at(5)), now=at(3))
    story.wait_until(at(6))
    assert story.said == ["sessions 1", "-sessions 1", "sessions 1 r2"]


def test_6_a_reschedule_into_the_past_leaves_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 12), at(2, 9)), now=at(3))
    assert story.said == ["sessions 1"]
    assert story.tell(booked("s1", at(1), at(2))).outcome == "duplicate"


def test_6_an_explicit_completion_counts_at_once_and_only_once() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), event("session.completed", at(2, 9), session_id="s1"))
    story.wait_until(at(9))
    assert story.said == ["sessions 1"]
    assert not story.milestones[0].facts["inferred"]


def test_6_a_completion_confirms_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(event("session.completed", at(2), session_id="s1"))
    assert story.said == ["sessions 1"]


@pytest.mark.parametrize("kind", ["session.canceled", "session.no_show"])
def test_6_what_fell_through_is_taken_back_and_attended_gives_it_back(kind: str) -> None:
    yoga = "{id: yoga, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga]}}"
    story = Story(SESSIONS, yoga)
    story.tell(event("session.completed", at(2), session_id="s1", kind="yoga"), event(kind, at(3), session_id="s1"))
    story.tell(event("session.attended", at(4), session_id="s1"))
    assert story.said == ["sessions 1", "yoga 1", "-sessions 1", "-yoga 1", "sessions 1 r2", "yoga 1 r2"]


def test_6_a_cancel_that_overtakes_its_booking_still_cancels_it() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.canceled", at(1, 9), session_id="s1"))
    late = story.tell(booked("s1", at(1, 8), at(2)))
    assert late.outcome == "duplicate"
    story.tell(booked("s1", at(1, 10), at(3)))
    story.wait_until(at(9))
    assert [m.reached_at for m in story.milestones] == [at(3)]


def test_6_what_was_said_earlier_does_not_undo_what_was_said_later() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.attended", at(3), session_id="s1"))
    assert story.tell(event("session.no_show", at(2), session_id="s1")).outcome == "duplicate"
    story.tell(event("session.canceled", at(5), session_id="s2"))
    assert story.tell(event("session.completed", at(4), session_id="s2")).outcome == "duplicate"
    assert story.said == ["sessions 1"]


def test_6_a_booking_after_a_completion_waits_and_adds_nothing() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(2), session_id="s1"), booked("s1", at(3), at(4)))
    story.wait_until(at(9))
    assert story.said == ["sessions 1"]


def test_6_several_sessions_fall_due_in_their_order() -> None:
    story = Story(SESSIONS)
    story.tell(booked("b", at(1), at(4)), booked("a", at(1), at(3)), booked("c", at(1), at(2)))
    story.wait_until(at(9))
    assert [m.reached_at for m in story.milestones] == [at(2), at(3), at(4)]


# 7. Percent


def test_7_percent_is_a_high_water_mark_for_each_course() -> None:
    story = Story(HALFWAY)
    for course, percent in (("a", 60), ("a", 20), ("a", 55), ("b", 10), ("b", 50)):
        story.tell(event("course.progressed", at(1), course_id=course, percent=percent))
    assert [(m.threshold, m.occurrence, m.value) for m in story.milestones] == [(50, "a", 60), (50, "b", 50)]


def test_7_a_completed_course_is_at_100() -> None:
    story = Story(HALFWAY)
    story.tell(event("course.progressed", at(1), course_id="a", percent=66.5))
    story.tell(event("course.completed", at(1), course_id="a"))
    assert [(m.threshold, m.value) for m in story.milestones] == [(50, 66.5), (100, 100)]


def test_7_a_free_type_may_carry_a_percentage() -> None:
    story = Story("{id: plan, tier: program, when: {percent: plan.progressed, of: share, reaches: [50]}}")
    for share in ("sixty", True, None, 120, 60):
        story.tell(event("plan.progressed", at(1), share=share))
    assert [(m.rule, m.value, m.occurrence) for m in story.milestones] == [("plan", 60, "once")]


# 8. Reversal


def test_8_a_withdrawn_milestone_names_the_revision_that_it_withdraws() -> None:
    story = Story(GOALS)
    for day, kind in enumerate(["completed", "reopened", "completed", "reopened"], start=1):
        story.tell(event(f"goal.{kind}", at(day), goal_id="g"))
    assert [(m.type, m.revision) for m in story.milestones] == [
        ("milestone.reached", 1), ("milestone.retracted", 1), ("milestone.reached", 2), ("milestone.retracted", 2),
    ]  # fmt: skip
    assert len({m.milestone_id for m in story.milestones}) == 1


def test_8_only_thresholds_that_no_longer_hold_are_withdrawn() -> None:
    story = Story(SESSIONS)
    story.tell(*[_attended(day) for day in (1, 2, 3)], event("session.canceled", at(4), session_id="s1"))
    assert story.said == ["sessions 1", "sessions 2", "sessions 3", "-sessions 3"]


def test_8_a_reopening_that_overtakes_its_goal_still_reopens_it() -> None:
    story = Story(GOALS)
    story.tell(event("goal.reopened", at(2), goal_id="g"))
    assert story.tell(event("goal.completed", at(1), goal_id="g")).outcome == "duplicate"
    assert story.tell(event("goal.reopened", at(1, 9), goal_id="g")).outcome == "duplicate"
    assert story.said == []


def test_8_checks_are_counted_by_habit_and_day_and_unchecks_take_them_back() -> None:
    story = Story("{id: it, tier: micro, when: {count: habit.checked, reaches: [2]}}")
    story.tell(check(1), check(1, at(1, 9)), check(1, habit_id="swim"), uncheck(1), uncheck(1, at(1, 21)))
    assert story.said == ["it 2", "-it 2"]


# 10. Silence


def test_10_history_moves_state_and_ledger_and_says_nothing_now_or_later() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s1", silent=True))
    story.tell(event("session.canceled", at(2), session_id="s1"), event("session.attended", at(3), session_id="s1"))
    assert story.said == []
    story.tell(_attended(4))
    assert story.said == ["sessions 2"]


def test_10_silence_of_a_deadline_is_decided_by_the_event_that_set_it() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2), silent=True))
    story.wait_until(at(9))
    assert (story.said, story.count("s")) == ([], 1)


# 13. Poison


def test_13_an_event_from_the_future_is_refused_and_changes_nothing() -> None:
    story = Story(SESSIONS)
    refused = story.tell(event("session.completed", at(3), session_id="s"), now=at(2, 7.99))
    assert (refused.outcome, refused.refusal.reason, story.said) == ("refused", "time_in_future", [])
    assert story.tell(event("session.completed", at(3), session_id="s"), now=at(2, 8)).outcome == "applied"


@pytest.mark.parametrize("day", ["2026-05-08", "2099-01-01", "1900-01-01"])
def test_13_a_day_that_cannot_belong_to_its_time_is_refused(day: str) -> None:
    story = Story(STREAK)
    refused = story.tell(event("habit.checked", at(5), habit_id="run", day=day))
    assert (refused.outcome, refused.refusal.reason) == ("refused", "day_out_of_range")
