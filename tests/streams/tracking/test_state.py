"""What is remembered of a client: small, readable by every build, and without contact data."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from streams.tracking.marks import highest
from streams.tracking.profiles import erase
from streams.tracking.state import State, UnreadableStateError, decode_state, encode_state
from streams.tracking.statements import BOOKED, COMPLETED, FALLEN, read
from tests.streams.tracking.story import GOALS, HALFWAY, MAY, STREAK, Story, at, booked, check, event, plan_of, uncheck

GOLDEN = Path(__file__).with_name("golden_state_v2.bin")
GOLDEN_V1 = Path(__file__).with_name("golden_state_v1.bin")
THIRTY_SIX = "{id: thirty-six, tier: major, when: {count: session.completed, reaches: [1, 36]}}"


def typical() -> Story:
    """36 sessions, one habit with 90 days, one course."""
    story = Story(THIRTY_SIX, STREAK.replace("[3, 5]", "[14, 30]"), HALFWAY, GOALS)
    story.profile(timezone="Europe/Vienna", joined_on="2026-01-01", name="Ann", email="ann@example.org")
    for day in range(90):
        when = MAY + timedelta(days=day, hours=7)
        story.tell(event("habit.checked", when, habit_id="morning-run"))
        if day % 5 < 2:
            story.tell(event("session.completed", when, session_id=f"acuity:12345:{1000 + day}"))
        if day % 9 == 0:
            story.tell(event("course.progressed", when, course_id="nutrition", percent=day))
    return story


def golden() -> State:
    """A state with something in every field."""
    story = Story(THIRTY_SIX, STREAK, HALFWAY, GOALS)
    story.profile(
        timezone="Europe/Vienna", day_starts_at="04:00", birthday="02-29", joined_on="2025-01-01",
        renewal_on="2027-01-01", status="paused", tags=["vip"],
    )  # fmt: skip
    story.tell(check(1), check(2), check(3), uncheck(2), event("goal.completed", at(2), goal_id="g"))
    story.tell(event("course.progressed", at(3), course_id="c", percent=55.5))
    story.tell(event("session.completed", at(3), session_id="s1"), booked("s2", at(3), at(4), title="Yoga"))
    assert story.state is not None
    return story.state


def test_a_typical_client_takes_under_600_bytes() -> None:
    state = typical().state
    assert state is not None
    assert len(encode_state(state)) < 600


def test_the_typical_client_reaches_what_a_person_counts() -> None:
    assert typical().said == ["thirty-six 1", "streak 14", "streak 30", "course 50", "thirty-six 36"]


def test_states_of_earlier_builds_are_read_as_they_were_written() -> None:
    """The golden bytes are never rewritten: a change of the format takes a new version byte."""
    assert decode_state(GOLDEN.read_bytes(), "t1/c1") == golden()


def test_a_state_of_version_1_goes_on_from_what_it_had_counted() -> None:
    state = decode_state(GOLDEN_V1.read_bytes(), "t1/c1")
    expected = golden()
    assert state.stamp is None
    assert state.counts == expected.counts
    assert {counter: highest(mark) for counter, mark in state.marks.items()} == {"c\x1fc": 55.5}
    assert {name: habit.bits() for name, habit in state.habits.items()} == {
        name: habit.bits() for name, habit in expected.habits.items()
    }
    assert state.awards == expected.awards
    story = Story(THIRTY_SIX, STREAK, HALFWAY, GOALS, state=state)
    again = event("session.completed", at(3), session_id="s1")
    assert story.tell(again).outcome == "duplicate"
    assert story.tell(event("session.completed", at(5), session_id="s1", named="again")).outcome == "duplicate"
    assert story.tell(event("session.canceled", at(6), session_id="s1")).state.counts["s"] == 0
    story.wait_until(at(7))
    assert story.count("s") == 1
    assert story.tell(check(2, at(2, 9))).outcome == "duplicate"


def test_statements_of_version_1_that_counted_for_nothing_that_can_be_named_are_kept_as_such() -> None:
    """Its tags: 255 for what fell through, 240 for what counts for too many patterns, 80 + 63 for pattern 63."""
    registers = b"".join(number * 6 + bytes((tag, 0, 0, 0, 0, 0, 9)) for number, tag in REGISTERS)
    old = msgspec.msgpack.encode(["t1/c1", None, {}, {}, {}, {}, {}, b"", registers, [[f"c{n}"] for n in range(70)]])
    state = decode_state(b"\x01" + old, "t1/c1")
    assert len(state.patterns) == 63
    assert [(said.kind, said.pattern) for said in read(state.statements)] == [
        (FALLEN, 63), (COMPLETED, 63), (BOOKED, 63), (COMPLETED, 5),
    ]  # fmt: skip


REGISTERS = ((b"a", 255), (b"b", 240), (b"c", 143), (b"d", 5))


def test_a_field_of_a_later_build_is_ignored_and_a_missing_one_has_its_default() -> None:
    body = encode_state(golden())
    head, fields = body[:5], msgspec.msgpack.decode(body[5:])
    longer = head + msgspec.msgpack.encode([*fields, {"later": 1}])
    assert decode_state(longer, "t1/c1") == golden()
    shorter = head + msgspec.msgpack.encode(fields[:3])
    assert decode_state(shorter, "t1/c1") == State(
        who="t1/c1", stamp=golden().stamp, profile=golden().profile, counts=golden().counts
    )


@pytest.mark.parametrize(
    "body", [b"", b"\x03\x90", b"\x01", b"\x01\xc1", b"\x02", b"\x02....\xc1", b"\x02....\x81\x01\x01"]
)
def test_what_cannot_be_read_is_said_and_never_guessed(body: bytes) -> None:
    with pytest.raises(UnreadableStateError):
        decode_state(body, "t1/c1")


def test_nothing_of_a_profile_but_the_tracked_bits_is_kept() -> None:
    story = Story(GOALS)
    story.profile(name="Ann Example", email="ann@example.org", phone="+436601234567", timezone="UTC", coach_id="mara")
    body = encode_state(story.state or State())
    assert not any(word in body for word in (b"Ann", b"ann@", b"+43660", b"mara"))


def test_an_erased_client_stays_gone_until_a_new_profile_comes() -> None:
    story = Story(GOALS, state=erase("t1/c1", plan_of(GOALS), 5))
    gone = story.state
    ignored = story.tell(event("goal.completed", at(1), goal_id="g"))
    assert (ignored.outcome, story.state) == ("unused", gone)
    story.profile(timezone="UTC")
    story.tell(event("goal.completed", at(2), goal_id="h"))
    assert story.said == ["goals 1"]
