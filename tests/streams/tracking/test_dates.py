"""Dates of a profile: when they are due, and when they are not (paragraph 12 of the design)."""

from datetime import UTC, datetime

import pytest

from tests.streams.tracking.story import SESSIONS, Story, booked

BIRTHDAY = '{id: birthday, tier: micro, when: {date: birthday, at: "09:00"}}'
YEARS = '{id: years, tier: streak, when: {date: joined_on, every: year, at: "09:00"}}'
SETTLED_IN = '{id: settled-in, tier: micro, when: {date: joined_on, days_after: [30, 90], at: "09:00"}}'
RENEWAL = '{id: renewal, tier: nudge, when: {date: renewal_on, days_before: 14, at: "09:00"}}'


def utc(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def dated(story: Story) -> list[tuple[str, str, datetime]]:
    return [(m.rule, m.occurrence, m.reached_at) for m in story.milestones]


def test_12_a_birthday_comes_every_year_at_its_hour_in_the_zone_of_the_client() -> None:
    story = Story(BIRTHDAY)
    story.profile(birthday="1990-05-05", timezone="Europe/Vienna")
    story.wait_until(utc(5, 5, 6, 59))
    assert story.said == []
    story.wait_until(utc(5, 5, 7))
    (first,) = story.milestones
    assert (first.threshold, first.occurrence, first.value, first.reached_at) == (None, "2026", 36, utc(5, 5, 7))
    assert first.caused_by is None
    assert (first.facts["years"], first.facts["date_of"], first.facts["date_on"]) == (36, "birthday", "2026-05-05")
    story.wait_until(utc(5, 5, 7, year=2027))
    assert [m.value for m in story.milestones] == [36, 37]


def test_12_a_birthday_without_a_year_has_no_age() -> None:
    story = Story(BIRTHDAY.replace("birthday, at", "birthday, every: year, at"))
    story.profile(birthday="05-05")
    story.wait_until(utc(5, 5))
    assert [(m.occurrence, m.value) for m in story.milestones] == [("2026", 0)]


def test_12_an_anniversary_counts_the_years_and_never_fires_for_year_0() -> None:
    story = Story(YEARS)
    story.profile(now=utc(5, 1), joined_on="2026-05-10")
    story.wait_until(utc(5, 9, year=2027))
    assert story.said == []
    story.wait_until(utc(5, 10, year=2028))
    assert [(m.occurrence, m.value) for m in story.milestones] == [("2027", 1), ("2028", 2)]


def test_12_days_after_are_named_by_their_date_and_counted() -> None:
    story = Story(SETTLED_IN)
    story.profile(joined_on="2026-05-01")
    story.wait_until(utc(12, 1))
    assert dated(story) == [("settled-in", "2026-05-31", utc(5, 31)), ("settled-in", "2026-07-30", utc(7, 30))]
    assert [(m.value, m.facts["days"], m.facts["date_of"]) for m in story.milestones] == [
        (30, 30, "joined_on"), (90, 90, "joined_on"),
    ]  # fmt: skip


def test_12_days_before_come_before() -> None:
    story = Story(RENEWAL)
    story.profile(renewal_on="2026-06-15")
    story.wait_until(utc(6, 1, 8, 59))
    assert story.said == []
    story.wait_until(utc(6, 1))
    assert [(m.occurrence, m.value, m.facts["date_on"]) for m in story.milestones] == [("2026-06-01", 14, "2026-06-01")]


@pytest.mark.parametrize(("rule", "field"), [(BIRTHDAY, "birthday"), (YEARS, "joined_on")])
def test_12_the_29th_of_february_is_the_28th_in_common_years_for_every_yearly_date(rule: str, field: str) -> None:
    story = Story(rule)
    story.profile(now=utc(1, 1), **{field: "2024-02-29"})
    story.wait_until(utc(3, 1, year=2029))
    assert [m.reached_at for m in story.milestones] == [
        utc(2, 28), utc(2, 28, year=2027), utc(2, 29, year=2028), utc(2, 28, year=2029),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "date", "at", "due_at"),
    [
        ("Europe/Vienna", "03-29", "02:30", utc(3, 29, 1, 30)),  # the clock skips 2 to 3: it shows 03:30
        ("Europe/Vienna", "10-25", "02:30", utc(10, 25, 0, 30)),  # shown twice: the first, in summer time
        ("Europe/Vienna", "03-30", "02:30", utc(3, 30, 0, 30)),
        ("Pacific/Kiritimati", "05-05", "09:00", utc(5, 4, 19)),  # UTC+14
        ("Pacific/Kiritimati", "01-01", "09:00", utc(12, 31, 19)),  # in the year before, in UTC
        ("America/Los_Angeles", "12-31", "20:00", utc(1, 1, 4, year=2027)),  # in the year after, in UTC
        ("Etc/GMT+12", "05-05", "23:59", utc(5, 6, 11, 59)),
    ],
)
def test_12_a_date_is_due_when_the_wall_clock_of_the_zone_says(zone: str, date: str, at: str, due_at: datetime) -> None:
    story = Story(BIRTHDAY.replace("09:00", at))
    story.profile(now=utc(1, 1, 12), birthday=date, timezone=zone)
    story.wait_until(utc(6, 1, year=2027))
    assert story.milestones[0].reached_at == due_at


def test_12_without_a_zone_the_default_one_tells_the_hour() -> None:
    story = Story(BIRTHDAY, defaults="{timezone: Asia/Tokyo}")
    story.profile(birthday="05-05")
    story.wait_until(utc(5, 6))
    assert story.milestones[0].reached_at == utc(5, 5, 0)


@pytest.mark.parametrize("where", ["profile", "defaults"])
def test_12_an_hour_before_the_day_starts_is_at_the_end_of_that_day(where: str) -> None:
    story = Story(
        BIRTHDAY.replace("09:00", "02:30"), defaults="{day_starts_at: '03:00'}" if where == "defaults" else "{}"
    )
    story.profile(birthday="05-05", **({"day_starts_at": "03:00"} if where == "profile" else {}))
    story.wait_until(utc(5, 7))
    assert dated(story) == [("birthday", "2026", utc(5, 6, 2, 30))]
    assert story.milestones[0].facts["date_on"] == "2026-05-05"


def test_12_an_hour_at_which_the_day_starts_is_its_first() -> None:
    story = Story(BIRTHDAY.replace("09:00", "03:00"))
    story.profile(birthday="05-05", day_starts_at="03:00")
    story.wait_until(utc(5, 7))
    assert dated(story) == [("birthday", "2026", utc(5, 5, 3))]


def test_12_a_tick_emits_every_date_since_the_previous_one_in_order() -> None:
    story = Story(RENEWAL, SETTLED_IN, BIRTHDAY, SESSIONS)
    story.profile(birthday="05-20", joined_on="2026-05-01", renewal_on="2026-06-14")
    story.tell(booked("s", utc(5, 2), utc(5, 25)))
    story.wait_until(utc(5, 21, year=2027))
    assert [(m.rule, m.reached_at) for m in story.milestones] == [
        ("birthday", utc(5, 20)), ("sessions", utc(5, 25)), ("renewal", utc(5, 31)), ("settled-in", utc(5, 31)),
        ("settled-in", utc(7, 30)), ("birthday", utc(5, 20, year=2027)),
    ]  # fmt: skip


def test_12_a_date_comes_once_however_often_the_clock_is_looked_at() -> None:
    story = Story(BIRTHDAY)
    story.profile(birthday="05-05")
    for hour in (8, 9, 10):
        story.wait_until(utc(5, 5, hour))
    story.wait_until(utc(5, 6))
    assert story.said == ["birthday None"]


def test_12_dates_before_the_client_was_first_seen_are_never_made_up() -> None:
    story = Story(SETTLED_IN, YEARS, BIRTHDAY)
    story.profile(now=utc(5, 31), joined_on="2026-05-01", birthday="05-30")
    story.wait_until(utc(5, 2, year=2027))
    assert dated(story) == [("settled-in", "2026-07-30", utc(7, 30)), ("years", "2027", utc(5, 1, year=2027))]


def test_12_a_date_that_is_due_at_the_very_moment_of_the_profile_has_passed() -> None:
    story = Story(BIRTHDAY)
    story.profile(now=utc(5, 5), birthday="05-05")
    story.wait_until(utc(5, 6))
    assert story.said == []


def test_12_without_a_date_or_a_profile_nothing_is_due() -> None:
    story = Story(BIRTHDAY, YEARS, RENEWAL, SESSIONS)
    story.tell(booked("s", utc(5, 1), utc(5, 2)))
    story.wait_until(utc(6, 1))
    story.profile(now=utc(6, 1), timezone="Europe/Vienna")
    story.wait_until(utc(6, 1, year=2030))
    assert story.said == ["sessions 1"]


def test_12_a_changed_date_moves_what_has_not_fired() -> None:
    story = Story(RENEWAL)
    story.profile(renewal_on="2026-06-15")
    story.profile(now=utc(5, 20), renewal_on="2026-06-20")
    story.wait_until(utc(6, 5))
    assert story.said == []
    story.wait_until(utc(6, 6))
    assert dated(story) == [("renewal", "2026-06-06", utc(6, 6))]


def test_12_a_date_that_a_change_moves_into_the_past_does_not_fire() -> None:
    story = Story(RENEWAL)
    story.profile(renewal_on="2026-06-15")
    story.profile(now=utc(5, 20), renewal_on="2026-05-30")
    story.wait_until(utc(7, 1))
    assert story.said == []


def test_12_a_date_that_is_taken_out_of_the_profile_does_not_fire() -> None:
    story = Story(RENEWAL)
    story.profile(renewal_on="2026-06-15")
    story.profile(now=utc(5, 20))
    story.wait_until(utc(7, 1))
    assert story.said == []


def test_12_a_changed_zone_moves_a_date_and_what_it_passes_does_not_fire() -> None:
    later, passed = Story(BIRTHDAY), Story(BIRTHDAY)
    for story, zone in ((later, "America/New_York"), (passed, "Asia/Tokyo")):
        story.profile(birthday="05-05")
        story.profile(now=utc(5, 5, 5), birthday="05-05", timezone=zone)
        story.wait_until(utc(5, 6))
    assert dated(later) == [("birthday", "2026", utc(5, 5, 13))]
    assert passed.said == []


def test_12_a_date_that_has_fired_does_not_fire_again_where_it_is_still_to_come() -> None:
    story = Story(BIRTHDAY)
    story.profile(birthday="05-05", timezone="Asia/Tokyo")
    story.wait_until(utc(5, 5, 1))
    story.profile(now=utc(5, 5, 1), birthday="05-05", timezone="America/New_York")
    story.wait_until(utc(5, 7))
    story.profile(now=utc(5, 7), birthday="05-20")
    story.wait_until(utc(6, 1))
    assert dated(story) == [("birthday", "2026", utc(5, 5, 0))]


@pytest.mark.parametrize("status", ["paused", "left"])
def test_12_a_client_who_is_not_active_hears_nothing_but_the_ledger_moves(status: str) -> None:
    story = Story(RENEWAL, BIRTHDAY)
    story.profile(renewal_on="2026-06-15", birthday="06-01", status=status, timezone="Asia/Tokyo")
    story.wait_until(utc(6, 1, 1))
    story.profile(now=utc(6, 1, 1), renewal_on="2026-06-15", birthday="06-01")
    story.wait_until(utc(6, 2))
    assert story.said == []
    story.wait_until(utc(6, 1, year=2027))
    assert [m.occurrence for m in story.milestones] == ["2027"]


def test_12_of_a_client_who_becomes_active_the_dates_that_follow_are_told() -> None:
    story = Story(RENEWAL)
    story.profile(renewal_on="2026-06-15", status="paused")
    story.wait_until(utc(5, 20))
    story.profile(now=utc(5, 20), renewal_on="2026-06-15")
    story.wait_until(utc(6, 1))
    assert dated(story) == [("renewal", "2026-06-01", utc(6, 1))]


def test_12_each_rule_remembers_its_latest_twelve_dates() -> None:
    story = Story(BIRTHDAY, YEARS)
    story.profile(birthday="05-05", joined_on="2026-04-01")
    story.wait_until(utc(5, 6, year=2040))
    assert len(story.milestones) == 15 + 14
    assert story.state is not None
    years = [key.rpartition("\x1f")[2] for key in story.state.awards if key.startswith("birthday")]
    assert years == [str(year) for year in range(2029, 2041)]
    assert sum(key.startswith("years") for key in story.state.awards) == 12
