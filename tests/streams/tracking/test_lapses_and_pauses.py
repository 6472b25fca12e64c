"""Lapses beside pauses and repairs: what keeps a run, what mends it for good, and what does not (semantic 5)."""

from tests.streams.tracking.story import Story, at, check, paused, repaired, retracted
from tests.streams.tracking.test_lapses import ANY, BROKEN, STREAK, broken_on_8_may, ended_on_5_may


def test_5_a_retracted_pause_lets_the_run_break_when_it_was_due() -> None:
    story = ended_on_5_may()
    pause = paused(6, 10, at(5, 11))
    story.tell(pause, retracted(pause, at(6)))
    story.wait_until(at(20))
    assert [(m.value, m.reached_at) for m in story.milestones] == [(3, at(8, 12))]


def test_5_a_retracted_first_day_leaves_the_lapse() -> None:
    story = Story(STREAK, BROKEN)
    first = check(2)
    story.tell(first, check(3), check(4), check(5))
    story.wait_until(at(8, 12))
    story.tell(retracted(first, at(9)))
    story.wait_until(at(20))
    assert story.said == ["broken None"]


def test_5_an_open_pause_in_the_past_mends_for_good() -> None:
    story = broken_on_8_may()
    story.tell(paused(6, when=at(8, 13)))
    story.wait_until(at(90))
    assert story.heard() == ["-broken None"]


def test_5_a_pause_that_begins_on_a_day_of_the_run_keeps_it_too() -> None:
    story = ended_on_5_may()
    story.tell(paused(5))
    story.wait_until(at(90))
    assert story.said == []


def test_5_after_a_pause_the_first_unpaused_day_counts_as_the_day_after() -> None:
    story = ended_on_5_may()
    story.tell(paused(6, 10, at(5, 11)))
    story.wait_until(at(13, 11.999))
    assert story.said == []
    story.wait_until(at(13, 12))
    assert [(m.occurrence, m.value, m.reached_at) for m in story.milestones] == [("run/2026-05-03", 3, at(13, 12))]


def test_5_after_an_open_pause_that_a_check_ended_the_run_may_break_again() -> None:
    story = ended_on_5_may()
    story.tell(paused(6), check(20))
    story.wait_until(at(23, 12))
    assert [(m.value, m.reached_at, m.facts["streak_ended_on"]) for m in story.milestones] == [
        (4, at(23, 12), "2026-05-20")
    ]


def test_5_a_pause_of_another_habit_keeps_nothing() -> None:
    story = ended_on_5_may()
    story.tell(paused(6, habit_id="swim"))
    story.wait_until(at(8, 12))
    assert story.said == ["broken None"]


def test_5_a_repaired_day_after_the_run_counts_as_if_nothing_were_missed_yet() -> None:
    story = ended_on_5_may()
    story.tell(repaired(6, at(7)), repaired(7, at(8)))
    story.wait_until(at(10, 11.999))
    assert story.said == []
    story.wait_until(at(10, 12))
    assert [m.value for m in story.milestones] == [3]


def test_5_what_mended_it_is_retracted_and_it_breaks_at_once_for_when_it_was_due() -> None:
    story = broken_on_8_may()
    pause = paused(6, 20, at(8, 13))
    story.tell(pause, retracted(pause, at(10)))
    story.wait_until(at(10))
    assert story.heard() == ["-broken None", "broken None r2"]
    assert story.milestones[-1].reached_at == at(8, 12)


def test_5_a_streak_of_any_habit_breaks_when_no_habit_goes_on() -> None:
    story = ended_on_5_may(ANY, BROKEN.replace("streak", "any"))
    story.tell(check(6, habit_id="swim"))
    story.wait_until(at(20))
    assert [(m.occurrence, m.value, m.reached_at) for m in story.milestones] == [("2026-05-03", 4, at(9, 12))]
    assert "habit_id" not in story.milestones[0].facts


def test_5_of_any_habit_a_run_beyond_the_days_of_the_habit_whose_open_pause_is_retracted_lapses_by_itself() -> None:
    story = Story(ANY, BROKEN.replace("streak", "any").replace("3", "1"))
    pause = paused(3, when=at(2), habit_id="run")
    story.tell(check(1), check(2), pause, check(20, habit_id="swim"), retracted(pause, at(21)))
    story.wait_until(at(30))
    assert [(m.occurrence, m.value, m.reached_at) for m in story.milestones] == [
        ("2026-05-01", 2, at(5, 12)), ("2026-05-20", 1, at(23, 12)),
    ]  # fmt: skip


def test_5_a_pause_that_stays_open_keeps_the_run_beyond_one_that_ends() -> None:
    story = ended_on_5_may()
    story.tell(paused(6, 10), paused(6, when=at(6, 9)))
    story.wait_until(at(90))
    assert story.said == []
