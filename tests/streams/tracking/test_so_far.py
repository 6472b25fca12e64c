"""The way so far: what every milestone tells of the days behind it."""

import pytest

from schemas.event import Event
from tests.streams.tracking.story import GOALS, STREAK, Story, at, check, event, paused

SETTLED = "{id: streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3, 5]}, repeat: per-streak}"
LAPSE = "{id: lapse, tier: nudge, when: {lapse: streak, min_days: 2}}"


def _so_far(story: Story) -> tuple[int, int]:
    found = story.milestones[-1].facts["so_far"]
    return found["current_streak"], found["longest_streak"]


def test_a_streak_over_a_pause_is_one_streak_in_the_way_so_far() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(3))
    story.tell(event("streak.paused", at(4), **{"from": "2026-05-04", "until": "2026-05-05"}, reason="ill", author="m"))
    story.tell(check(6), check(7))
    assert story.said == ["streak 3", "streak 5"]
    assert _so_far(story) == (5, 5)


def test_a_day_in_the_middle_of_a_run_tells_the_days_up_to_it() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(4), check(5), check(3, at(3, 9)), now=at(6))
    assert story.said == ["streak 3", "streak 5"]
    assert _so_far(story) == (3, 5)


def test_a_silent_lapse_stays_silent_when_the_profiles_zone_moves_it() -> None:
    story = Story(SETTLED, LAPSE)
    story.tell(*[check(day, silent=True) for day in (1, 2, 3)], now=at(3))
    story.profile(timezone="America/Los_Angeles")
    story.wait_until(at(20))
    assert story.said == []


@pytest.mark.parametrize("beside", [[], [paused(10, 12, at(3))]], ids=["alone", "beside a pause that ends"])
@pytest.mark.parametrize(("first", "streak"), [(2, 2), (3, 2), (4, 0)])
def test_an_open_pause_keeps_the_current_streak_for_as_long_as_it_lasts(
    first: int, streak: int, beside: list[Event]
) -> None:
    story = Story(GOALS)
    story.tell(check(1), check(2), paused(first), *beside, event("goal.completed", at(20), goal_id="a"))
    assert story.milestones[0].facts["so_far"]["current_streak"] == streak
