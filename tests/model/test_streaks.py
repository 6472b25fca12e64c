"""The model is checked by hand: local days, streaks and lapses (semantics 3, 4 and 5)."""

import pytest

from tests.model.story import Story

IRON = "id: iron, when: {streak: habit.checked, per: habit_id, days: [3, 5]}, repeat: per-streak"
THREE = "id: iron, when: {streak: habit.checked, per: habit_id, days: [3]}, repeat: per-streak"
ONCE = "id: once, when: {streak: habit.checked, days: [3]}"
BROKEN = "id: broken, when: {lapse: iron, min_days: 3}"
VOUCHED = {"reason": "ill", "author": "coach"}


def uncheck(story: Story, day: int, at: str = "2026-05-20T10:00") -> list[str]:
    return story.send("habit.unchecked", at, habit_id="h", day=f"2026-05-{day:02}")


def pause(story: Story, at: str, **span: str) -> list[str]:
    return story.send("streak.paused", at, **span, **VOUCHED)


# 3. A day is a local date
@pytest.mark.parametrize(
    ("times", "zone", "starts_at"),
    [
        (("2026-05-01T23:30", "2026-05-03T00:30", "2026-05-03T23:30"), "UTC", "03:00"),
        (("2026-05-01T09:00", "2026-05-01T11:00", "2026-05-02T11:00"), "Pacific/Kiritimati", "00:00"),
        (("2026-05-02T06:59", "2026-05-02T07:01", "2026-05-04T06:59"), "America/Los_Angeles", "00:00"),
        (("2026-03-28T22:30", "2026-03-28T23:30", "2026-03-29T22:30"), "Europe/Vienna", "00:00"),
    ],
)
def test_days_are_those_of_the_zone_and_begin_when_the_client_says(
    times: tuple[str, ...], zone: str, starts_at: str
) -> None:
    story = Story(THREE)
    story.profile("2026-03-01T00:00", timezone=zone, day_starts_at=starts_at)
    told = [story.send("habit.checked", at, habit_id="h") for at in times]
    assert [len(milestones) for milestones in told] == [0, 0, 1]


def test_the_offset_of_time_does_not_matter_and_data_goes_before_the_profile() -> None:
    story = Story(THREE)
    story.profile("2026-05-01T00:00", timezone="Asia/Tokyo")
    story.send("habit.checked", "2026-05-01T23:00:00+14:00", arrives="2026-05-01T10:00", habit_id="h")
    story.send("habit.checked", "2026-05-02T20:00", habit_id="h", timezone="UTC")
    assert story.send("habit.checked", "2026-05-03T20:00", habit_id="h", day="2026-05-03") == [
        "+iron 3 h/2026-05-01 = 3 #1"
    ]


def test_a_day_stays_what_it_was_when_the_zone_changes() -> None:
    story = Story(THREE)
    story.send("habit.checked", "2026-05-01T23:00", habit_id="h")
    story.profile("2026-05-02T00:00", timezone="Asia/Tokyo")
    story.send("habit.checked", "2026-05-02T10:00", habit_id="h")
    assert story.send("habit.checked", "2026-05-03T10:00", habit_id="h") == ["+iron 3 h/2026-05-01 = 3 #1"]


def test_a_lapse_waits_for_local_days_also_where_the_clock_is_set_forward() -> None:
    story = Story(THREE, BROKEN, grace_hours=2)
    story.profile("2026-03-20T00:00", timezone="Europe/Vienna", day_starts_at="02:30")
    story.check(26, 27, 28, month=3)
    assert story.tick("2026-03-30T02:29") == []
    assert story.tick("2026-03-30T02:30") == ["+broken h/2026-03-26 = 3 #1"]


# 4. A streak
def test_several_checks_on_a_day_are_one_and_a_gap_breaks() -> None:
    story = Story(IRON)
    assert story.check(1, 2, 2, 4, 5) == []
    assert story.check(6) == ["+iron 3 h/2026-05-04 = 3 #1"]


def test_a_late_day_joins_two_runs() -> None:
    story = Story(IRON)
    story.check(1, 2, 4, 5)
    assert story.check(3, arrives="2026-05-05T12:00") == ["+iron 3 h/2026-05-01 = 5 #1", "+iron 5 h/2026-05-01 = 5 #1"]


def test_paused_and_repaired_days_neither_extend_nor_break() -> None:
    story = Story(THREE)
    story.check(1, 2)
    pause(story, "2026-05-02T11:00", from_="2026-05-03", until="2026-05-04")
    story.send("streak.repaired", "2026-05-06T09:00", habit_id="h", day="2026-05-05", **VOUCHED)
    assert story.check(6) == ["+iron 3 h/2026-05-01 = 3 #1"]


def test_an_open_pause_lasts_until_the_next_check() -> None:
    story = Story(THREE, BROKEN)
    story.check(1, 2)
    pause(story, "2026-05-02T11:00", from_="2026-05-02")
    assert story.check(20) == ["+iron 3 h/2026-05-01 = 3 #1"]
    assert story.tick("2026-05-23T12:00") == ["+broken h/2026-05-01 = 3 #1"]


def test_the_latest_of_check_and_uncheck_wins() -> None:
    story = Story(THREE)
    assert story.check(1, 2, 3) == ["+iron 3 h/2026-05-01 = 3 #1"]
    assert uncheck(story, 2, "2026-05-02T09:00") == []
    assert uncheck(story, 2, "2026-05-04T09:00") == ["-iron 3 h/2026-05-01 = 1 #1"]
    later = {"habit_id": "h", "day": "2026-05-02"}
    assert story.send("habit.checked", "2026-05-04T10:00", **later) == ["+iron 3 h/2026-05-01 = 3 #2"]


def test_an_award_belongs_to_every_run_that_overlaps_its_days() -> None:
    story = Story(THREE)
    story.check(1, 2, 3, 4, 5, 6)
    assert uncheck(story, 3) == []
    assert uncheck(story, 4) == ["-iron 3 h/2026-05-01 = 2 #1"]


def test_joined_runs_keep_both_awards_and_get_no_third() -> None:
    story = Story(THREE)
    assert len(story.check(1, 2, 3, 5, 6, 7)) == 2
    assert story.check(4, arrives="2026-05-08T10:00") == []


def test_a_new_run_is_awarded_anew_only_where_the_rule_repeats() -> None:
    story = Story(THREE, ONCE)
    assert story.check(1, 2, 3) == ["+iron 3 h/2026-05-01 = 3 #1", "+once 3 2026-05-01 = 3 #1"]
    assert story.check(5, 6, 7) == ["+iron 3 h/2026-05-05 = 3 #1"]
    assert uncheck(story, 2) == ["-iron 3 h/2026-05-01 = 1 #1"]
    assert uncheck(story, 6) == ["-iron 3 h/2026-05-05 = 1 #1", "-once 3 2026-05-01 = 1 #1"]


def test_a_reported_number_fills_the_days() -> None:
    story = Story(THREE)
    assert story.send("streak.reported", "2026-05-09T10:00", habit_id="h", days=4) == ["+iron 3 h/2026-05-06 = 4 #1"]
    assert story.send("streak.reported", "2026-05-10T10:00", habit_id="h", days=1) == []


# 5. Broken
def test_a_lapse_is_due_after_the_missed_day_and_the_grace() -> None:
    story = Story(THREE, BROKEN)
    story.check(3, 4, 5)
    assert story.tick("2026-05-08T11:59") == []
    assert story.tick("2026-05-08T12:00") == ["+broken h/2026-05-03 = 3 #1"]
    assert story.tick("2026-06-08T12:00") == []


def test_a_short_run_does_not_lapse() -> None:
    story = Story(THREE, BROKEN)
    story.check(4, 5)
    assert story.tick("2026-06-08T12:00") == []


def test_the_first_unpaused_day_counts_as_the_day_after() -> None:
    story = Story(THREE, BROKEN)
    story.check(3, 4, 5)
    pause(story, "2026-05-05T11:00", from_="2026-05-06", until="2026-05-10", habit_id="h")
    assert story.tick("2026-05-13T11:59") == []
    assert story.tick("2026-05-13T12:00") == ["+broken h/2026-05-03 = 3 #1"]


@pytest.mark.parametrize("mend", ["check", "repair", "pause"])
def test_a_lapse_that_is_mended_is_retracted_and_may_come_again(mend: str) -> None:
    story = Story(THREE, BROKEN)
    story.check(3, 4, 5)
    story.tick("2026-05-08T12:00")
    at, day = "2026-05-08T13:00", "2026-05-06"
    told = {
        "check": lambda: story.send("habit.checked", at, habit_id="h", day=day),
        "repair": lambda: story.send("streak.repaired", at, habit_id="h", day=day, **VOUCHED),
        "pause": lambda: pause(story, at, from_=day, until=day),
    }[mend]()
    assert told == ["-broken h/2026-05-03 = 3 #1"]
    assert story.tick("2026-05-09T11:59") == []
    assert story.tick("2026-05-09T12:00") == [f"+broken h/2026-05-03 = {4 if mend == 'check' else 3} #2"]


def test_a_mend_far_in_the_past_leaves_a_run_that_is_broken_all_the_same() -> None:
    story = Story(THREE, BROKEN)
    story.check(3, 4, 5)
    story.tick("2026-05-20T12:00")
    assert story.check(6, arrives="2026-05-20T13:00") == []


def test_joining_two_broken_runs_takes_back_the_first_lapse() -> None:
    story = Story(THREE, BROKEN)
    story.check(1, 2, 3, 5, 6, 7)
    assert story.tick("2026-05-20T12:00") == ["+broken h/2026-05-05 = 3 #1"]
    assert [m["occurrence"] for m in story.told if m["rule"] == "broken"] == ["h/2026-05-01", "h/2026-05-05"]
    assert story.check(4, arrives="2026-05-20T13:00") == ["-broken h/2026-05-01 = 3 #1"]
    assert uncheck(story, 4, "2026-05-21T10:00") == []
    assert story.tick("2026-05-21T10:01") == ["+broken h/2026-05-01 = 3 #2"]


def test_a_lapse_is_silent_if_the_event_that_set_it_was_or_the_client_is_away() -> None:
    story = Story(THREE, BROKEN)
    story.check(3, 4)
    story.check(5, silent=True)
    assert story.tick("2026-05-08T12:00") == []
    story.check(10, 11, 12)
    story.profile("2026-05-13T10:00", status="left")
    assert story.tick("2026-05-15T12:00") == []


def test_a_zone_moves_a_lapse_and_what_it_passes_does_not_fire() -> None:
    story, other = Story(THREE, BROKEN), Story(THREE, BROKEN)
    for each, zone in ((story, "Asia/Tokyo"), (other, "America/New_York")):
        each.check(3, 4, 5)
        each.profile("2026-05-08T11:00", timezone=zone)
    assert story.tick("2026-06-08T12:00") == []
    assert other.tick("2026-05-08T15:59") == []
    assert other.tick("2026-05-08T16:00") == ["+broken h/2026-05-03 = 3 #1"]
