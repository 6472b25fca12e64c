"""Neutral days: pauses and repairs neither extend a streak nor break it (paragraph 4 of the design)."""

import pytest

from tests.streams.tracking.story import ONCE, STREAK, Story, at, check, event, paused, repaired, retracted, uncheck

ANY = "{id: any, tier: streak, when: {streak: habit.checked, days: [3]}, repeat: per-streak}"


def test_4_both_days_of_a_pause_belong_to_it_and_neither_extends_the_streak() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(3, 5))
    assert story.said == []
    story.tell(check(6))
    assert [(m.threshold, m.occurrence, m.value) for m in story.milestones] == [(3, "run/2026-05-01", 3)]


@pytest.mark.parametrize(("first", "last"), [(4, 5), (3, 4)])
def test_4_a_pause_that_leaves_a_day_out_does_not_bridge_it(first: int, last: int) -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(first, last), check(6))
    assert story.said == []


def test_4_a_check_on_a_paused_day_counts() -> None:
    story = Story(STREAK)
    story.tell(check(1), paused(2, 4), check(3), check(5))
    assert [(m.threshold, m.value) for m in story.milestones] == [(3, 3)]


def test_4_neutral_days_alone_are_no_streak() -> None:
    story = Story(STREAK, ANY)
    story.tell(paused(1, 20), repaired(21), check(22))
    assert story.said == []


def test_4_a_run_begins_with_its_first_check_and_not_with_a_pause_before_it() -> None:
    story = Story(STREAK)
    story.tell(paused(1, 4), *[check(day) for day in (5, 6, 7)])
    assert story.milestones[0].occurrence == "run/2026-05-05"


def test_4_a_pause_in_the_past_joins_runs_and_reaches_what_they_reach_together() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(5))
    told = paused(3, 4, at(8))
    story.tell(told)
    assert [(m.threshold, m.occurrence, m.value, m.reached_at, m.caused_by) for m in story.milestones] == [
        (3, "run/2026-05-01", 3, at(8), told.id)
    ]


def test_4_a_pause_that_joins_two_awarded_runs_awards_no_second_id() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3, 6, 7, 8)])
    assert story.heard() == ["streak 3", "streak 3"]
    story.tell(paused(4, 5, at(9)))
    assert story.heard() == ["streak 5"]


def test_4_without_an_end_a_pause_lasts_until_the_next_check() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(3), check(20))
    assert [(m.threshold, m.value) for m in story.milestones] == [(3, 3)]
    story.tell(check(22), check(23))
    assert story.said == ["streak 3"]


def test_4_a_check_on_the_first_day_of_an_open_pause_does_not_end_it() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(2), check(20))
    assert story.said == ["streak 3"]


def test_4_an_open_pause_of_all_habits_ends_for_each_with_its_own_check() -> None:
    story = Story(STREAK)
    for habit in ("run", "swim"):
        story.tell(check(1, habit_id=habit), check(2, habit_id=habit))
    story.tell(paused(3), check(5))
    assert [m.occurrence for m in story.milestones] == ["run/2026-05-01"]
    story.tell(check(7), check(9, habit_id="swim"))
    assert [m.occurrence for m in story.milestones] == ["run/2026-05-01", "swim/2026-05-01"]


def test_4_an_uncheck_of_what_ended_an_open_pause_opens_it_again() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(3), check(5), uncheck(5), check(9))
    assert story.said == ["streak 3", "-streak 3", "streak 3 r2"]


def test_4_a_late_check_within_an_open_pause_ends_it_there() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(3), check(9), check(10), check(11))
    assert story.heard() == ["streak 3", "streak 5"]
    story.tell(check(4, at(12)))
    assert story.heard() == ["-streak 5"]
    story.tell(check(12), check(13))
    assert story.heard() == ["streak 5 r2"]


def test_4_a_pause_of_one_habit_concerns_no_other() -> None:
    story = Story(STREAK)
    story.tell(paused(3, 4, habit_id="swim"))
    for day in (1, 2, 5):
        story.tell(check(day), check(day, habit_id="swim"))
    assert [m.occurrence for m in story.milestones] == ["swim/2026-05-01"]


def test_4_for_a_streak_of_any_habit_a_pause_of_any_habit_that_it_looks_at_counts() -> None:
    chosen = ANY.replace("repeat", "where: {habit_id: [run]}, repeat").replace("id: any", "id: chosen")
    story = Story(ANY, chosen)
    story.tell(check(1), check(2), paused(3, 4, habit_id="swim"), check(5))
    assert story.said == ["any 3"]
    story.tell(paused(3, 4, at(6), habit_id="run"))
    assert story.said == ["any 3", "chosen 3"]


def test_4_a_pause_that_ends_before_it_begins_changes_nothing() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(4, 3), check(5))
    assert story.said == []


def test_4_a_pause_of_a_single_day_is_that_day() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), paused(3, 3), check(4))
    assert story.said == ["streak 3"]


def test_4_a_pause_that_is_said_twice_is_one() -> None:
    story = Story(STREAK)
    first = story.tell(check(1), paused(3, 4, named="p"))
    again = story.tell(paused(3, 4, named="p"))
    assert (first.outcome, again.outcome, len(again.state.pauses)) == ("applied", "duplicate", 1)


def test_4_the_latest_hundred_pauses_are_kept() -> None:
    story = Story(STREAK)
    story.tell(*[paused(day, day, at(1), named=f"p{day}") for day in range(1, 103)])
    assert story.state is not None
    assert [pause.first for pause in story.state.pauses] == [story.state.pauses[-1].first - 99 + n for n in range(100)]


def test_4_a_repaired_day_neither_extends_nor_breaks() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), repaired(3))
    assert story.said == []
    story.tell(check(4))
    assert [(m.threshold, m.value) for m in story.milestones] == [(3, 3)]


def test_4_a_repair_afterwards_reaches_what_the_runs_reach_together() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(4))
    story.tell(repaired(3, at(9)))
    assert [(m.threshold, m.value, m.reached_at) for m in story.milestones] == [(3, 3, at(9))]


def test_4_a_repair_is_of_its_habit_alone() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), repaired(3, habit_id="swim"), check(4))
    assert story.said == []


def test_4_a_repair_that_is_said_twice_is_one() -> None:
    story = Story(STREAK)
    story.tell(repaired(3, named="r"))
    assert story.tell(repaired(3, named="r")).outcome == "duplicate"


def test_4_a_repair_of_a_day_that_is_checked_adds_nothing_and_lasts_beyond_its_uncheck() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(3), repaired(2))
    assert story.said == ["streak 3"]
    story.tell(check(4), uncheck(2, at(5)))
    assert story.said == ["streak 3"]
    assert [run_length(story)] == [3]


def run_length(story: Story) -> int:
    assert story.state is not None
    return story.state.habits["run"].bits().bit_count()


def test_4_a_retracted_repair_or_pause_withdraws_what_rested_on_it() -> None:
    for neutral in (repaired(3), paused(3, 3), paused(3)):
        story = Story(STREAK, ONCE)
        story.tell(check(1), check(2), neutral, check(4), retracted(neutral, at(5)))
        assert story.said == ["streak 3", "once 3", "-streak 3", "-once 3"]


def test_4_two_repairs_of_a_day_are_taken_back_one_by_one() -> None:
    story = Story(STREAK)
    one, other = repaired(3, at(5)), repaired(3, at(6))
    story.tell(check(1), check(2), one, other, check(4), retracted(one, at(7)))
    assert story.said == ["streak 3"]
    story.tell(retracted(other, at(8)))
    assert story.said == ["streak 3", "-streak 3"]


def test_4_a_paused_day_does_not_count_as_a_check_for_the_way_so_far() -> None:
    story = Story(STREAK, "{id: checks, tier: micro, when: {count: habit.checked, reaches: [3]}}")
    story.tell(check(1), check(2), paused(3, 4), repaired(5))
    assert story.said == []
    story.tell(check(6))
    assert story.said == ["streak 3", "checks 3"]


def test_4_a_silent_pause_is_silent_in_what_it_reaches() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(4), paused(3, 3, at(5), silent=True))
    assert story.said == []
    story.tell(check(5), check(6))
    assert story.said == ["streak 5"]


def test_12_an_amnesty_is_one_pause_of_all_habits_and_keeps_every_streak() -> None:
    story = Story(STREAK, "{id: broken, tier: nudge, when: {lapse: streak, min_days: 2}}")
    for habit in ("run", "swim"):
        story.tell(check(1, habit_id=habit), check(2, habit_id=habit))
    story.wait_until(at(5, 12))
    assert story.heard() == ["broken None", "broken None"]
    story.tell(event("streak.paused", at(6), **{"from": "2026-05-03", "until": "2026-05-05"}, reason="o", author="o"))
    assert story.heard() == ["-broken None", "-broken None"]
    story.tell(check(6, at(6, 9)), check(6, at(6, 9), habit_id="swim"))
    assert story.heard() == ["streak 3", "streak 3"]
