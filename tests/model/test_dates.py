"""The model is checked by hand: dates (semantic 12)."""

from tests.model.story import Story

BIRTHDAY = 'id: birthday, when: {date: birthday, at: "09:00"}'
ANNIVERSARY = 'id: years, when: {date: joined_on, every: year, at: "09:00"}'
SETTLED_IN = 'id: in, when: {date: joined_on, days_after: [30, 90], at: "09:00"}'
RENEWAL = 'id: renewal, when: {date: renewal_on, days_before: 14, at: "09:00"}'


def test_a_birthday_recurs_every_year_at_its_hour_in_the_zone() -> None:
    story = Story(BIRTHDAY)
    story.profile("2026-05-01T00:00", birthday="1990-05-05", timezone="Europe/Vienna")
    assert story.tick("2026-05-05T06:59") == []
    assert story.tick("2026-05-05T07:00") == ["+birthday 2026 = 36 #1"]
    assert story.tick("2028-05-06T00:00") == ["+birthday 2027 = 37 #1", "+birthday 2028 = 38 #1"]


def test_the_29th_of_february_is_the_28th_in_common_years() -> None:
    story = Story(BIRTHDAY)
    story.profile("2026-02-01T00:00", birthday="02-29")
    assert story.tick("2026-02-28T09:00") == ["+birthday 2026 = 0 #1"]
    story.tick("2027-12-01T00:00")
    assert story.tick("2028-02-28T09:00") == []
    assert story.tick("2028-02-29T09:00") == ["+birthday 2028 = 0 #1"]


def test_dates_before_the_client_was_seen_are_not_made_up() -> None:
    story = Story(SETTLED_IN, ANNIVERSARY)
    story.profile("2026-05-02T09:00", joined_on="2026-04-01")
    assert story.tick("2026-06-30T09:00") == ["+in 2026-06-30 = 90 #1"]
    assert story.tick("2027-04-01T09:00") == ["+years 2027 = 1 #1"]


def test_an_anniversary_never_fires_for_year_0() -> None:
    story = Story(ANNIVERSARY)
    story.profile("2026-03-01T00:00", joined_on="2026-04-01")
    assert story.tick("2026-12-01T00:00") == []


def test_a_renewal_is_silent_unless_the_client_is_active() -> None:
    story = Story(RENEWAL)
    story.profile("2026-05-01T00:00", renewal_on="2026-06-01", status="paused")
    assert story.tick("2026-05-18T09:00") == []
    story.profile("2026-05-18T10:00", renewal_on="2026-06-02")
    assert story.tick("2026-05-19T09:00") == ["+renewal 2026-05-19 = 14 #1"]


def test_a_moved_date_that_has_thereby_passed_does_not_fire() -> None:
    story = Story(RENEWAL)
    story.profile("2026-05-01T00:00", renewal_on="2026-06-01")
    story.profile("2026-05-10T00:00", renewal_on="2026-05-20")
    assert story.tick("2026-06-01T00:00") == []


def test_dates_fire_in_order_of_time_and_between_other_deadlines() -> None:
    story = Story(RENEWAL, BIRTHDAY, "id: one, when: {count: session.completed, reaches: [1]}")
    story.profile("2026-05-01T00:00", renewal_on="2026-06-01", birthday="05-10")
    times = {"starts_at": "2026-05-12T08:00:00Z", "ends_at": "2026-05-12T09:00:00Z"}
    story.send("session.booked", "2026-05-01T10:00", session_id="s", **times)
    assert story.tick("2026-06-01T00:00") == [
        "+birthday 2026 = 0 #1",
        "+one 1 once = 1 #1",
        "+renewal 2026-05-18 = 14 #1",
    ]


def test_a_tombstone_forgets() -> None:
    story = Story(BIRTHDAY)
    story.profile("2026-05-01T00:00", birthday="05-10")
    story.model.profile("c1", None, 0)
    assert story.tick("2026-06-01T00:00") == []
