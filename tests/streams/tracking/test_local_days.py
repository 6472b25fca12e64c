"""Which local day an event belongs to (paragraph 3 of the design of tracking)."""

from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis.strategies import datetimes, integers, sampled_from

from streams.tracking.local_days import day_of_number, local_day
from tests.streams.tracking.story import (
    STREAK,
    Story,
    at,
    event,
)


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


@given(when=datetimes(), zone=sampled_from(["UTC", "Europe/Vienna"]), minutes=integers(0, 1439))
def test_3_a_day_ends_when_the_wall_clock_shows_the_start_of_the_next(when: datetime, zone: str, minutes: int) -> None:
    assume(1 < when.year < MAXYEAR)
    instant = when.replace(tzinfo=UTC)
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert day_of_number(local_day(instant, zone, minutes)) == (wall - timedelta(minutes=minutes)).date()


def test_3_a_later_zone_does_not_rewrite_history() -> None:
    story = Story(STREAK)
    story.tell(*[event("habit.checked", at(day, 23.5), habit_id="run") for day in (1, 2)])
    story.profile(timezone="Asia/Tokyo")
    story.tell(event("habit.checked", at(3, 5), habit_id="run"))
    assert story.said == ["streak 3"]
