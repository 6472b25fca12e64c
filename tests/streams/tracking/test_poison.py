"""What cannot be meant is refused with its reason, and the next record goes on (paragraph 13 of the design)."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.codec import decode_event
from schemas.event import Event
from schemas.milestone import Milestone
from schemas.refusal import Refused
from streams.tracking.replay import RefusedLine, replay
from tests.streams.tracking.story import SESSIONS, STREAK, Story, at, plan_of

GOOD = {
    "id": "e1", "source": "app", "type": "session.completed", "subject": "c1", "tenantid": "t1",
    "time": "2026-05-01T08:00:00Z", "data": {"session_id": "s1"},
}  # fmt: skip


def record(**changed: Any) -> bytes:
    wire = GOOD | changed
    return json.dumps({name: value for name, value in wire.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (record(data={"session_id": 7}), "wrong_data"),
        (record(data={}), "wrong_data"),
        (record(data={"session_id": "s\u0000"}), "text_with_nul"),
        (record(data="d").replace(b'"d"', b"[" * 20_000), "too_deep"),
        (record(subject=None), "missing_subject"),
        (record(time="2026-05-03T08:00:01Z"), "time_in_future"),
    ],
)
def test_13_poison_is_refused_with_its_reason_and_the_next_record_goes_on(poison: bytes, reason: str) -> None:
    clock = record(id="e0", time="2026-05-02T08:00:00Z", data={"session_id": "s0"})
    lines = [(number, _decoded(value)) for number, value in enumerate((clock, poison, record()), start=1)]
    if reason == "time_in_future":
        lines[1] = (2, _received_before(lines[1][1]))
    told = list(replay(lines, plan_of(SESSIONS), profiles={}))
    assert [(each.number, each.refusal.reason) for each in told if isinstance(each, RefusedLine)] == [(2, reason)]
    assert [each.threshold for each in told if isinstance(each, Milestone)] == [1, 2]


@pytest.mark.parametrize("more", [{"timezone": "Mars/Base"}, {"title": 7}, {"kind": ["yoga"]}])
def test_13_a_wrong_optional_field_is_dropped_and_not_the_event(more: dict[str, Any]) -> None:
    event = decode_event((), record(data={"session_id": "s1", **more}))
    story = Story(SESSIONS)
    story.tell(event)
    assert (story.said, len(event.dropped)) == (["sessions 1"], 1)


def test_13_where_an_unknown_zone_was_dropped_the_zone_of_the_profile_tells_the_day() -> None:
    story = Story(STREAK.replace("[3, 5]", "[1]"))
    story.profile(timezone="Asia/Tokyo")
    data = {"habit_id": "run", "timezone": "Mars/Base"}
    story.tell(decode_event((), record(type="habit.checked", time="2026-05-01T20:00:00Z", data=data)))
    assert [m.occurrence for m in story.milestones] == ["run/2026-05-02"]


def test_13_an_unknown_zone_in_a_profile_is_refused() -> None:
    with pytest.raises(ValidationError, match="not an IANA time zone"):
        Story(SESSIONS).profile(timezone="Mars/Base")


def _decoded(value: bytes) -> Event | Refused:
    try:
        return decode_event((), value)
    except Refused as refused:
        return refused


def _received_before(event: Event | Refused) -> Event:
    """The event as it arrived at a clock that shows 2 May, 8:00."""
    assert isinstance(event, Event)
    return decode_event((), record(time=event.occurred_at.isoformat(), receivedat=at(2).isoformat()))
