"""Laws that hold for any story: what tracking promises whatever arrives, and in whatever order."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.event import Event
from streams.tracking.instants import to_ms
from streams.tracking.marks import highest
from streams.tracking.replay import replay
from streams.tracking.state import State, decode_state, encode_state
from streams.tracking.tick import tick
from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    MAY,
    ONCE,
    SESSIONS,
    STREAK,
    Story,
    at,
    booked,
    check,
    event,
    told,
    uncheck,
)

RULES = (SESSIONS, GOALS, HALFWAY, ONCE, STREAK)
MINUTES = st.integers(0, 6 * 24 * 60).map(lambda minutes: MAY + timedelta(minutes=minutes))
IDS = st.sampled_from(["a", "b", "c"])

sessions = st.one_of(
    st.builds(lambda s, when, hours: booked(s, when, when + timedelta(hours=hours)), IDS, MINUTES, st.integers(1, 90)),
    st.builds(
        lambda kind, s, when: event(f"session.{kind}", when, session_id=s),
        st.sampled_from(["completed", "canceled", "no_show", "attended"]), IDS, MINUTES,
    ),
)  # fmt: skip
goals = st.builds(
    lambda kind, goal, when: event(f"goal.{kind}", when, goal_id=goal),
    st.sampled_from(["completed", "reopened"]), IDS, MINUTES,
)  # fmt: skip
courses = st.builds(
    lambda course, percent, when: event("course.progressed", when, course_id=course, percent=percent),
    IDS, st.integers(0, 100), MINUTES,
)  # fmt: skip
habits = st.builds(
    lambda state_it, day, habit, minutes: state_it(day, at(day) + timedelta(minutes=minutes), habit_id=habit),
    st.sampled_from([check, check, check, uncheck]), st.integers(1, 7), st.sampled_from(["run", "swim"]),
    st.integers(0, 7 * 24 * 60),
)  # fmt: skip
law = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def apart(events: list[Event]) -> list[Event]:
    """The events with no two at the same instant."""
    return list({event.occurred_at: event for event in events}.values())


stories = st.lists(st.one_of(sessions, goals, courses, habits), max_size=25)


def standing(story: Story) -> set[tuple[str, str]]:
    """What a subscriber holds to be reached, without the days of runs that may have two names."""
    held: dict[str, tuple[bool, str]] = {}
    for milestone in story.milestones:
        held[milestone.milestone_id] = (
            milestone.type == "milestone.reached", f"{milestone.rule} {milestone.threshold}",
        )  # fmt: skip
    return {(identity, name) for identity, (reached, name) in held.items() if reached}


def independent_of_streak_days(story: Story) -> list[str]:
    return sorted({name for _, name in standing(story) if not name.startswith(("streak", "once"))})


@law
@given(stories)
def test_duplicates_change_nothing(events: list[Event]) -> None:
    once, twice = told(events, *RULES), Story(*RULES)
    for each in events:
        twice.tell(each, each, now=at(20))
    twice.tell(*events, now=at(20))
    assert twice.said == once.said


@law
@given(stories, st.data())
def test_counters_marks_and_days_do_not_depend_on_the_order_of_arrival(
    events: list[Event], data: st.DataObject
) -> None:
    events = apart([each for each in events if each.type != "session.booked"])
    first, second = told(events, *RULES), told(data.draw(st.permutations(events)), *RULES)
    assert _sums(first) == _sums(second)


@law
@given(st.lists(st.one_of(goals, courses, sessions), max_size=20), st.data())
def test_awards_of_once_do_not_depend_on_the_order_of_arrival(events: list[Event], data: st.DataObject) -> None:
    events = apart(events)
    first, second = told(events, *RULES), told(data.draw(st.permutations(events)), *RULES)
    for story in (first, second):
        if story.state:
            story.wait_until(at(90))
    assert standing(first) == standing(second)


@law
@given(st.lists(habits, max_size=25), st.data())
def test_a_streak_of_once_stands_in_any_order_if_some_run_is_long_enough(
    events: list[Event], data: st.DataObject
) -> None:
    events = apart(events)
    first, second = told(events, ONCE), told(data.draw(st.permutations(events)), ONCE)
    expected = sorted({habit for habit in ("run", "swim") if longest_by_hand(events, habit) >= 3})
    for story in (first, second):
        held = {m.occurrence.partition("/")[0]: m.type for m in story.milestones}
        assert sorted(habit for habit, kind in held.items() if kind == "milestone.reached") == expected


def longest_by_hand(events: Iterable[Event], habit: str) -> int:
    """The longest run by plain counting: the latest statement of each day decides."""
    latest = {}
    for each in sorted(events, key=lambda each: each.occurred_at):
        if each.data.habit_id == habit:
            latest[each.data.day] = each.type == "habit.checked"
    days = {day for day, is_checked in latest.items() if is_checked}
    longest = 0
    for day in days:
        length = 0
        while day + timedelta(days=length) in days:
            length += 1
        longest = max(longest, length)
    return longest


@law
@given(st.lists(habits, max_size=40))
def test_no_run_is_ever_celebrated_twice_and_a_held_award_rests_on_a_run(events: list[Event]) -> None:
    story = told(apart(events), STREAK)
    assert story.state is None or all(len(found) < 4 for found in story.state.awards.values())
    revisions: dict[str, list[tuple[str, int]]] = {}
    for milestone in story.milestones:
        revisions.setdefault(milestone.milestone_id, []).append((milestone.type, milestone.revision))
    for said in revisions.values():
        expected = [(f"milestone.{verb}", n) for n in range(1, len(said) + 1) for verb in ("reached", "retracted")]
        assert said == expected[: len(said)]


@law
@given(stories, st.lists(st.integers(0, 25), max_size=4))
def test_any_batching_equals_one_by_one(events: list[Event], cuts: list[int]) -> None:
    """A batch ends with the state written and read; where it ends must not matter."""
    story = Story(*RULES)
    one_by_one = told(events, *RULES)
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(events)], strict=True):
        story.tell(*events[first:last], now=at(20))
    assert story.said == one_by_one.said
    assert story.state == one_by_one.state


@law
@given(stories)
def test_a_state_survives_its_bytes(events: list[Event]) -> None:
    state = told(events, *RULES).state or State()
    assert decode_state(encode_state(state), state.who) == state


@law
@given(st.lists(st.one_of(sessions, goals), max_size=25))
def test_passing_time_in_steps_or_at_once_says_the_same(events: list[Event]) -> None:
    story = told(events, *RULES)
    if story.state is None:
        return
    at_once = tick(story.state, story.plan, to_ms(at(40)))
    state, said = story.state, []
    for hour in range(0, 24 * 15, 6):
        state, milestones = tick(state, story.plan, to_ms(at(1, hour)))
        said += milestones
    assert [m.milestone_id for m in said] == [m.milestone_id for m in at_once.milestones]


@law
@given(stories)
def test_replay_says_what_the_service_says(events: list[Event]) -> None:
    events = sorted(events, key=lambda each: each.occurred_at)
    story = Story(*RULES)
    for each in events:
        if story.state is not None:
            story.wait_until(each.occurred_at)
        story.tell(each, now=each.occurred_at)
    if story.state is not None:
        story.wait_until(at(60))
    replayed = list(replay(enumerate(events), story.plan, profiles={}, until_ms=to_ms(at(60))))
    assert replayed == story.milestones


def _sums(story: Story) -> tuple[object, ...]:
    state = story.state or State()
    days = {
        name: {habit.base + bit for bit in range(habit.bits().bit_length()) if habit.bits() >> bit & 1}
        for name, habit in state.habits.items()
    }
    counts = {counter: number for counter, number in state.counts.items() if number}
    marks = {counter: highest(mark) for counter, mark in state.marks.items()}
    return (
        counts,
        {counter: mark for counter, mark in marks.items() if mark},
        {name: found for name, found in days.items() if found},
    )
