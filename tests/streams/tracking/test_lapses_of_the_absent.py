"""Lapses that are silent, and those that a changed profile moves (paragraphs 5 and 12 of the design)."""

import pytest

from schemas.event import Event
from streams.tracking.tick import next_deadline
from tests.streams.tracking.story import Story, at, check, event, paused, repaired, retracted, uncheck

STREAK = "{id: streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [9]}, repeat: per-streak}"
BROKEN = "{id: broken, tier: nudge, when: {lapse: streak, min_days: 3}}"


def ended_on_5_may() -> Story:
    story = Story(STREAK, BROKEN)
    story.tell(check(3), check(4), check(5))
    return story


def test_5_a_silent_check_sets_a_silent_lapse() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(3), check(4), check(5, silent=True))
    story.wait_until(at(8, 12))
    story.tell(repaired(6, at(8, 13)))
    story.wait_until(at(30))
    assert story.said == []


@pytest.mark.parametrize("before", [[], [paused(40, 41, at(1))]], ids=["alone", "beside a pause"])
def test_5_a_lapse_stays_silent_when_its_run_grows_backwards_and_that_of_another_run_is_told(
    before: list[Event],
) -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*before, *[check(day, silent=True) for day in (3, 4, 5)], check(2, at(6)), *map(check, (8, 9, 10)))
    story.wait_until(at(30))
    assert [m.occurrence for m in story.milestones] == ["run/2026-05-08"]


def test_5_a_check_that_is_told_makes_the_lapse_of_its_run_told() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(3, silent=True), check(4, silent=True), check(5, silent=True), check(6))
    story.wait_until(at(9, 12))
    assert story.said == ["broken None"]


@pytest.mark.parametrize("status", ["paused", "left"])
def test_12_the_lapse_of_a_client_who_is_not_active_is_silent_but_in_the_ledger(status: str) -> None:
    story = ended_on_5_may()
    story.profile(now=at(6), status=status)
    story.wait_until(at(8, 12))
    story.profile(now=at(8, 12))
    story.wait_until(at(9))
    story.tell(check(6, at(9)))
    assert story.said == []


def test_12_a_changed_zone_moves_a_lapse_and_what_it_passes_does_not_fire() -> None:
    later, passed = ended_on_5_may(), ended_on_5_may()
    for story, zone in ((later, "America/New_York"), (passed, "Asia/Tokyo")):
        story.profile(now=at(8, 11), timezone=zone)
        story.wait_until(at(30))
    assert [m.reached_at for m in later.milestones] == [at(8, 16)]
    assert passed.said == []


def test_12_what_a_changed_zone_makes_due_at_that_very_moment_has_passed_for_good() -> None:
    story = ended_on_5_may()
    for zone in ("Europe/Vienna", "Asia/Tokyo"):
        story.profile(now=at(8, 10), timezone=zone)
    story.wait_until(at(30))
    assert story.said == []


def test_12_what_a_changed_zone_has_passed_is_not_missed_when_the_run_grows_backwards() -> None:
    story = ended_on_5_may()
    story.profile(now=at(8, 11), timezone="Asia/Tokyo")
    story.tell(check(2, at(8, 11.5)))
    story.wait_until(at(30))
    assert story.said == []


def test_12_what_a_changed_zone_has_passed_is_not_missed_when_the_run_loses_its_first_day() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in (2, 3, 4, 5)])
    story.profile(now=at(8, 11), timezone="Asia/Tokyo")
    story.tell(uncheck(2, at(8, 11.5)))
    story.wait_until(at(30))
    assert story.said == []


def test_12_a_profile_that_moves_nothing_silences_nothing() -> None:
    story = ended_on_5_may()
    story.wait_until(at(8, 12))
    pause = paused(6, 20, at(8, 13))
    story.tell(pause, retracted(pause, at(10)))
    story.profile(now=at(10), tags=["vip"])
    story.wait_until(at(10))
    assert story.said == ["broken None", "-broken None", "broken None r2"]


def test_12_a_deadline_that_a_changed_zone_moves_to_this_very_moment_does_not_fire() -> None:
    story = ended_on_5_may()
    story.profile(now=at(8, 10), timezone="Europe/Vienna")
    story.wait_until(at(30))
    assert story.said == []


def test_12_what_a_changed_zone_has_passed_is_not_missed_when_a_report_lengthens_a_run_of_the_least_length() -> None:
    story = ended_on_5_may()
    story.profile(now=at(8, 11), timezone="Asia/Tokyo")
    story.tell(event("streak.reported", at(8, 11.5), habit_id="run", days=4, day="2026-05-05"))
    story.wait_until(at(30))
    assert story.said == []


def test_12_of_a_run_whose_lapse_stands_nothing_is_waited_for_whatever_comes() -> None:
    story = ended_on_5_may()
    story.wait_until(at(8, 12))
    story.tell(check(2, at(8, 12.5)))
    story.profile(now=at(8, 13), timezone="America/Los_Angeles")
    assert story.state is not None
    assert (story.said, next_deadline(story.state)) == (["broken None"], None)


def test_12_a_changed_zone_wakes_nothing_while_a_pause_is_open() -> None:
    story = ended_on_5_may()
    story.tell(paused(6))
    story.profile(now=at(6, 9), timezone="Europe/Vienna")
    story.wait_until(at(30))
    assert story.said == []


@pytest.mark.parametrize(
    "aloud",
    [[paused(6, 6)], [paused(6, 7, at(5, 9), silent=True), check(6)]],
    ids=["a later day", "the same day for more checks"],
)
def test_5_a_lapse_that_something_told_makes_due_is_told(aloud: list[Event]) -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day, silent=True) for day in (3, 4, 5)], *aloud)
    story.wait_until(at(30))
    assert story.said == ["broken None"]
