"""For whom a rule speaks, and from when (paragraph 10 of the design)."""

from datetime import UTC, datetime

import pytest

from schemas.event import Event
from streams.tracking.hearing import share_of
from tests.streams.tracking.story import SESSIONS, STREAK, Story, at, booked, check, event

GOAL = "{{id: goal, tier: micro, when: {{count: goal.completed, reaches: [1, 2]}}, {option}}}"
LOUD = "{id: goal, tier: micro, when: {count: goal.completed, reaches: [1, 2]}}"


def rule(option: str) -> str:
    return GOAL.format(option=option)


def goal(name: str, day: int = 3, *, silent: bool = False) -> Event:
    return event("goal.completed", at(day), goal_id=name, silent=silent)


OUTSIDE = pytest.mark.parametrize(
    "option",
    [
        "effective_from: 2026-05-04",
        "clients: {share: 0}",
        "clients: {tags: [vip]}",
        "clients: {ids: [c2, t1/c1]}",
    ],
)
INSIDE = pytest.mark.parametrize(
    "option",
    [
        "effective_from: 2026-05-03",
        "clients: {share: 1}",
        "clients: {tags: [vip, new]}",
        "clients: {ids: [c2, c1]}",
    ],
)


@INSIDE
def test_10_a_client_who_is_meant_hears_of_it(option: str) -> None:
    story = Story(rule(option))
    story.profile(tags=["new"])
    story.tell(goal("a"))
    assert story.said == ["goal 1"]


@OUTSIDE
def test_10_a_client_who_is_not_meant_is_counted_and_hears_nothing(option: str) -> None:
    story = Story(rule(option))
    story.profile(tags=["new"])
    story.tell(goal("a"))
    assert (story.said, story.count("g")) == ([], 1)
    assert story.state is not None
    assert list(story.state.awards) == ["goal\x1f1"]


@OUTSIDE
def test_10_when_a_rule_widens_nothing_is_made_up_and_what_follows_is_told(option: str) -> None:
    story = Story(rule(option))
    story.tell(goal("a"))
    story.adopt(LOUD, now=at(4))
    assert story.said == []
    story.tell(event("goal.reopened", at(5), goal_id="a"), goal("a2", 6))
    assert story.said == []
    story.tell(goal("b", 7))
    assert story.said == ["goal 2"]


@OUTSIDE
def test_10_when_a_rule_narrows_what_was_told_is_still_taken_back_and_told_again(option: str) -> None:
    story = Story(LOUD)
    story.tell(goal("a"))
    story.adopt(rule(option), now=at(3))
    story.tell(event("goal.reopened", at(3, 9), goal_id="a"), event("goal.completed", at(3, 10), goal_id="a"))
    assert story.said == ["goal 1", "-goal 1", "goal 1 r2"]
    story.tell(event("goal.completed", at(3, 11), goal_id="b"))
    assert story.said == ["goal 1", "-goal 1", "goal 1 r2"]


def test_10_effective_from_is_a_day_of_the_client_and_goes_by_the_time_of_the_event() -> None:
    tokyo = Story(rule("effective_from: 2026-05-04"))
    tokyo.profile(timezone="Asia/Tokyo")
    tokyo.tell(event("goal.completed", datetime(2026, 5, 3, 15, tzinfo=UTC), goal_id="a"))
    assert tokyo.said == ["goal 1"]
    late = Story(rule("effective_from: 2026-05-04"))
    late.tell(goal("a", 3), now=at(9))
    assert late.said == []


def test_10_a_tag_that_a_client_has_at_the_crossing_decides_and_not_one_of_later() -> None:
    story = Story(rule("clients: {tags: [vip]}"))
    story.tell(goal("a", 1))
    story.profile(now=at(2), tags=["vip"])
    story.tell(goal("b", 3))
    assert story.said == ["goal 2"]


def test_10_the_audience_is_asked_where_an_event_gives_no_tags_at_all() -> None:
    story = Story(rule("clients: {tags: [vip]}"))
    story.tell(goal("a", 1))
    assert story.said == []


def test_10_a_share_is_a_stable_place_of_rule_and_client() -> None:
    places = [share_of("goal", f"t1/c{number}") for number in range(400)]
    assert all(0 <= place < 1 for place in places)
    assert 160 < sum(place < 0.5 for place in places) < 240
    assert share_of("goal", "t1/c1") == share_of("goal", "t1/c1") != share_of("other", "t1/c1")
    assert round(share_of("goal", "t1/c1"), 6) == PLACE


PLACE = 0.725854
"""Where `t1/c1` stands under the rule `goal`: it must never change, or audiences do."""


@pytest.mark.parametrize(("more", "said"), [(0.000001, ["goal 1"]), (-0.000001, [])])
def test_10_a_client_is_in_a_share_that_reaches_beyond_its_place(more: float, said: list[str]) -> None:
    story = Story(rule(f"clients: {{share: {PLACE + more:.6f}}}"))
    story.tell(goal("a"))
    assert story.said == said


def test_10_a_silent_crossing_stays_silent_in_all_that_follows_from_it() -> None:
    story = Story(LOUD)
    story.tell(goal("a", 1, silent=True), event("goal.reopened", at(2), goal_id="a"), goal("b", 3))
    assert story.said == []
    story.tell(goal("c", 4))
    assert story.said == ["goal 2"]


def test_10_a_silent_reversal_takes_back_what_was_told_aloud() -> None:
    story = Story(LOUD)
    story.tell(goal("a", 1), event("goal.reopened", at(2), goal_id="a", silent=True))
    assert story.said == ["goal 1", "-goal 1"]


def test_10_silence_is_decided_by_the_event_that_crosses_and_not_by_those_before() -> None:
    story = Story(STREAK)
    story.tell(check(1, silent=True), check(2, silent=True), check(3))
    assert story.said == ["streak 3"]
    other = Story(STREAK)
    other.tell(check(1), check(2), check(3, silent=True))
    assert other.said == []


@pytest.mark.parametrize(
    ("option", "said"),
    [("effective_from: 2026-05-05", ["sessions 1"]), ("effective_from: 2026-05-06", []), ("clients: {ids: [c2]}", [])],
)
def test_10_an_inferred_session_crosses_when_it_ends(option: str, said: list[str]) -> None:
    story = Story(SESSIONS.replace("}}", f"}}, {option}}}"))
    story.tell(booked("s", at(1), at(5, 23)))
    story.wait_until(at(9))
    assert story.said == said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("effective_from: 2026-05-08", ["broken None"]),
        ("effective_from: 2026-05-09", []),
        ("clients: {tags: [vip]}", []),
    ],
)
def test_10_a_lapse_is_heard_by_whom_its_rule_means_when_it_is_due(option: str, said: list[str]) -> None:
    story = Story(STREAK, f"{{id: broken, tier: nudge, when: {{lapse: streak, min_days: 2}}, {option}}}")
    story.tell(check(4), check(5))
    story.wait_until(at(20))
    assert story.said == said


@pytest.mark.parametrize(
    ("option", "said"), [("effective_from: 2026-05-20", ["birthday None"]), ("effective_from: 2026-05-21", [])]
)
def test_10_a_date_is_heard_from_the_first_day_of_its_rule(option: str, said: list[str]) -> None:
    story = Story(f"{{id: birthday, tier: micro, when: {{date: birthday, at: '09:00'}}, {option}}}")
    story.profile(birthday="05-20")
    story.wait_until(at(22))
    assert story.said == said
