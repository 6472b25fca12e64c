"""The way so far: what every milestone tells of the days behind it."""

from tests.streams.tracking.story import STREAK, Story, at, check, event

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
