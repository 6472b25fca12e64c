"""Lapses: when a run that ended is broken, and what mends it (paragraph 5 of the design)."""

from datetime import UTC, datetime

import pytest

from schemas.event import Event
from tests.streams.tracking.story import Story, at, check, event, paused, repaired, retracted, uncheck

STREAK = "{id: streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [9]}, repeat: per-streak}"
BROKEN = "{id: broken, tier: nudge, when: {lapse: streak, min_days: 3}}"
ANY = "{id: any, tier: streak, when: {streak: habit.checked, days: [9]}, repeat: per-streak}"


def ended_on_5_may(*rules: str, defaults: str = "{}") -> Story:
    """A run of three days whose last check was on 5 May."""
    story = Story(*(rules or (STREAK, BROKEN)), defaults=defaults)
    story.tell(check(3), check(4), check(5))
    return story


def broken_on_8_may() -> Story:
    story = ended_on_5_may()
    story.wait_until(at(8, 12))
    assert story.heard() == ["broken None"]
    return story


def test_5_of_a_last_check_on_5_may_with_grace_36_the_lapse_is_due_on_8_may_at_12() -> None:
    story = ended_on_5_may()
    story.wait_until(at(8, 11.999))
    assert story.said == []
    story.wait_until(at(8, 12))
    (lapse,) = story.milestones
    assert (lapse.threshold, lapse.occurrence, lapse.value, lapse.reached_at) == (None, "run/2026-05-03", 3, at(8, 12))
    assert (lapse.facts["streak_days"], lapse.facts["habit_id"], lapse.caused_by) == (3, "run", None)
    assert (lapse.facts["streak_began_on"], lapse.facts["streak_ended_on"]) == ("2026-05-03", "2026-05-05")


@pytest.mark.parametrize(
    ("zone", "starts_at", "due_at"),
    [
        ("Europe/Vienna", "00:00", at(8, 10)),
        ("Pacific/Kiritimati", "00:00", at(7, 22)),
        ("America/Los_Angeles", "00:00", at(8, 19)),
        ("Europe/Vienna", "04:00", at(8, 14)),
    ],
)
def test_5_it_is_due_by_the_local_day_of_the_profile(zone: str, starts_at: str, due_at: datetime) -> None:
    story = ended_on_5_may()
    story.profile(now=at(5), timezone=zone, day_starts_at=starts_at)
    story.wait_until(at(20))
    assert [m.reached_at for m in story.milestones] == [due_at]


def test_5_without_a_profile_it_is_due_by_the_local_day_of_the_defaults() -> None:
    story = ended_on_5_may(STREAK, BROKEN, defaults="{timezone: Asia/Tokyo, day_starts_at: '04:00', grace_hours: 0}")
    story.wait_until(at(20))
    assert [m.reached_at for m in story.milestones] == [at(6, 19)]


@pytest.mark.parametrize(
    ("last", "due_at"),
    [
        ("2026-03-28", datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),
        ("2026-10-23", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_5_the_missed_day_is_a_local_day_also_in_the_nights_of_the_clock(last: str, due_at: datetime) -> None:
    """Grace 0, day from 02:30 in Vienna: the missed day is that of the changed clock, or ends in its night."""
    story = Story(STREAK, BROKEN.replace("3", "1"), defaults="{grace_hours: 0}")
    story.profile(now=datetime(2026, 3, 1, tzinfo=UTC), timezone="Europe/Vienna", day_starts_at="02:30")
    story.tell(event("habit.checked", datetime.fromisoformat(f"{last}T12:00+00:00"), habit_id="run"))
    story.wait_until(datetime(2026, 12, 1, tzinfo=UTC))
    assert [m.reached_at for m in story.milestones] == [due_at]


def test_5_an_uncheck_of_the_first_day_leaves_it_due_when_it_was() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in (2, 3, 4, 5)], uncheck(2, at(5, 9)))
    story.wait_until(at(20))
    assert [(m.value, m.reached_at, m.occurrence) for m in story.milestones] == [(3, at(8, 12), "run/2026-05-03")]


def test_5_a_run_that_never_was_does_not_lapse() -> None:
    story = Story(STREAK, BROKEN)
    report = event("streak.reported", at(5), habit_id="run", days=3)
    story.tell(report, retracted(report, at(6)))
    story.wait_until(at(20))
    assert story.said == []


def test_5_of_two_lapses_in_a_joined_run_only_the_one_for_its_latest_days_comes_again() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    story.wait_until(at(10, 12))
    story.heard()
    story.tell(check(4, at(10, 13)), check(8, at(10, 13)))
    assert story.heard() == ["-broken None", "-broken None"]
    story.wait_until(at(11, 12))
    assert [(m.occurrence, m.value) for m in story.milestones[4:]] == [("run/2026-05-05", 8)]


def test_5_a_run_that_grew_backwards_lapses_from_its_first_day() -> None:
    story = ended_on_5_may()
    story.tell(check(2, at(6)))
    story.wait_until(at(20))
    assert [(m.value, m.reached_at, m.occurrence) for m in story.milestones] == [(4, at(8, 12), "run/2026-05-02")]


def test_5_of_a_run_that_a_late_check_within_a_pause_splits_both_parts_lapse() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(1), check(2), paused(3), *[check(day) for day in (9, 10, 11)], check(4, at(11, 9)))
    story.wait_until(at(20))
    assert [(m.occurrence, m.value, m.reached_at) for m in story.milestones] == [
        ("run/2026-05-01", 3, at(7, 12)), ("run/2026-05-09", 3, at(14, 12)),
    ]  # fmt: skip


def test_5_a_run_lapses_once() -> None:
    story = broken_on_8_may()
    story.wait_until(at(60))
    assert story.heard() == []


def test_5_a_run_shorter_than_the_least_length_ends_without_a_word() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(4), check(5))
    story.wait_until(at(60))
    assert story.said == []


@pytest.mark.parametrize("before", [[], [paused(40, 41, at(1))]], ids=["alone", "beside a pause"])
def test_5_every_run_has_its_own_lapse_also_when_another_has_begun(before: list[Event]) -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*before, *[check(day) for day in (1, 2, 3, 5, 6, 7)])
    story.wait_until(at(20))
    assert [(m.occurrence, m.reached_at) for m in story.milestones] == [
        ("run/2026-05-01", at(6, 12)), ("run/2026-05-05", at(10, 12)),
    ]  # fmt: skip


def test_5_a_check_in_time_puts_it_off() -> None:
    story = ended_on_5_may()
    story.tell(check(6))
    story.wait_until(at(9, 11.999))
    assert story.said == []
    story.wait_until(at(9, 12))
    assert [(m.value, m.reached_at) for m in story.milestones] == [(4, at(9, 12))]


def test_5_a_check_that_comes_in_the_grace_for_the_missed_day_puts_it_off() -> None:
    story = ended_on_5_may()
    story.tell(check(6, at(8, 11)))
    story.wait_until(at(8, 13))
    assert story.said == []


def test_5_an_uncheck_of_the_last_day_brings_it_forward() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in (2, 3, 4, 5)], uncheck(5))
    story.wait_until(at(7, 12))
    assert [(m.value, m.reached_at) for m in story.milestones] == [(3, at(7, 12))]


def test_5_an_uncheck_that_makes_the_run_too_short_calls_it_off() -> None:
    story = ended_on_5_may()
    story.tell(uncheck(4))
    story.wait_until(at(60))
    assert story.said == []


@pytest.mark.parametrize("mend", [check(6, at(8, 13)), repaired(6, at(8, 13)), paused(6, 6, at(8, 13))])
def test_5_what_mends_it_later_retracts_it_and_it_may_come_again(mend: Event) -> None:
    story = broken_on_8_may()
    story.tell(mend)
    assert (story.heard(), story.milestones[-1].revision, story.milestones[-1].reached_at) == (
        ["-broken None"], 1, at(8, 13),
    )  # fmt: skip
    story.wait_until(at(9, 11.999))
    assert story.heard() == []
    story.wait_until(at(9, 12))
    assert story.heard() == ["broken None r2"]
    assert len({m.milestone_id for m in story.milestones}) == 1
    assert story.milestones[-1].value == (4 if mend.type == "habit.checked" else 3)


def test_5_a_late_check_that_leaves_the_run_broken_all_the_same_retracts_nothing() -> None:
    story = broken_on_8_may()
    story.wait_until(at(20))
    story.tell(check(6, at(20)))
    story.wait_until(at(40))
    assert story.heard() == []


def test_5_a_late_check_that_joins_two_broken_runs_retracts_the_first_lapse() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    story.wait_until(at(20))
    story.heard()
    story.tell(check(4, at(20)))
    assert (story.heard(), story.milestones[-1].occurrence) == (["-broken None"], "run/2026-05-01")
    story.tell(uncheck(4, at(21)))
    story.wait_until(at(21, 1))
    assert (story.heard(), story.milestones[-1].occurrence) == (["broken None r2"], "run/2026-05-01")


def test_5_a_run_that_goes_on_for_a_day_beyond_its_lapse_by_a_mend_is_the_same_run() -> None:
    story = broken_on_8_may()
    story.tell(repaired(6, at(8, 13)), check(7, at(8, 14)), check(8, at(8, 14)))
    story.wait_until(at(11, 12))
    assert story.heard() == ["-broken None", "broken None r2"]
    assert (story.milestones[-1].occurrence, story.milestones[-1].value) == ("run/2026-05-03", 5)


def test_5_a_rule_of_one_habit_does_not_miss_another() -> None:
    story = Story(STREAK.replace("repeat", "where: {habit_id: swim}, repeat"), BROKEN)
    for habit in ("run", "swim"):
        story.tell(*[check(day, habit_id=habit) for day in (3, 4, 5)])
    story.wait_until(at(20))
    assert [m.occurrence for m in story.milestones] == ["swim/2026-05-03"]


@pytest.mark.parametrize("whose", [{}, {"habit_id": "run"}])
def test_5_none_is_due_while_a_pause_is_open(whose: dict[str, str]) -> None:
    story = ended_on_5_may()
    story.tell(paused(6, **whose))
    story.wait_until(at(90))
    assert story.said == []


def test_5_a_pause_that_opens_on_the_first_missed_day_but_one_comes_too_late() -> None:
    story = ended_on_5_may()
    story.tell(paused(7))
    story.wait_until(at(8, 12))
    assert story.said == ["broken None"]


def test_5_a_pause_that_is_known_before_the_run_ends_is_asked_in_the_same_way() -> None:
    for first, said in ((5, []), (6, []), (7, ["broken None"])):
        story = Story(STREAK, BROKEN)
        story.tell(paused(first, when=at(2)), check(3), check(4), check(5))
        story.wait_until(at(8, 12))
        assert story.said == said, first


def test_5_an_open_pause_that_a_check_ended_on_its_second_day_keeps_nothing_any_more() -> None:
    story = ended_on_5_may()
    story.tell(paused(5), check(6))
    story.wait_until(at(20))
    assert [(m.value, m.reached_at) for m in story.milestones] == [(4, at(9, 12))]


def test_5_a_run_that_is_reported_lapses_like_any_other() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(event("streak.reported", at(5), habit_id="run", days=3))
    story.wait_until(at(20))
    assert [(m.value, m.reached_at) for m in story.milestones] == [(3, at(8, 12))]


def test_5_a_short_run_after_another_ends_without_a_word() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(check(1), check(4))
    story.wait_until(at(20))
    assert story.said == []
