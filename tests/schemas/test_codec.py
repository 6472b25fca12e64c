"""Bytes become an event or a refusal with a reason; nothing else ever happens."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import REFUSAL_REASONS, STRUCTURED_CONTENT_TYPE, Refused, decode_event, decode_profile, encode_event
from schemas.event import EVENT_DATA, Envelope, Event, HabitData
from schemas.milestone import Milestone
from schemas.milestone_codec import decode_milestone, encode_milestone, heard_header, heard_ms

ENVELOPE = {
    "specversion": "1.0", "id": "e1", "source": "app", "type": "habit.checked", "subject": "c1", "tenantid": "t1",
    "time": "2026-05-05T07:30:00Z",
}  # fmt: skip
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
law = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def wire(data: Any = None, **envelope: Any) -> bytes:
    body = {**ENVELOPE, "data": {"habit_id": "run"} if data is None else data, **envelope}
    return msgspec.json.encode({name: value for name, value in body.items() if value is not ...})


def reason_of(value: bytes | None, headers: Any = STRUCTURED) -> str:
    with pytest.raises(Refused) as refused:
        decode_event(headers, value)
    assert refused.value.reason in REFUSAL_REASONS
    return refused.value.reason


def test_a_structured_event_is_read() -> None:
    event = decode_event(STRUCTURED, wire({"habit_id": "run", "day": "2026-05-04"}, receivedat="2026-05-06T00:00:00Z"))
    assert (event.id, event.tenant, event.client, event.type) == ("e1", "t1", "c1", "habit.checked")
    assert isinstance(event.data, HabitData)
    assert (event.data.habit_id, str(event.data.day)) == ("run", "2026-05-04")
    assert (event.received_at.isoformat(), event.silent) == ("2026-05-06T00:00:00+00:00", False)


def test_what_is_encoded_is_the_same_event_again() -> None:
    event = decode_event((), wire())
    assert decode_event((("content-type", STRUCTURED_CONTENT_TYPE),), encode_event(event)) == event


def test_a_record_without_headers_is_read_as_structured() -> None:
    assert decode_event((), wire()).id == "e1"


def binary(**changed: Any) -> list[tuple[str, bytes | None]]:
    attributes = {f"ce_{name}": str(value).encode() for name, value in {**ENVELOPE, **changed}.items() if value}
    return [*attributes.items(), ("content-type", b"application/json"), ("traceparent", None)]


def test_a_binary_event_is_the_same_event() -> None:
    assert decode_event(binary(silent="true"), b'{"habit_id":"run"}') == decode_event(STRUCTURED, wire(silent=True))
    assert not decode_event(binary(silent="false"), b'{"habit_id":"run"}').silent


def test_a_binary_event_needs_no_content_type_and_ignores_other_attributes() -> None:
    headers = [each for each in binary() if each[0] != "content-type"]
    assert decode_event([*headers, ("ce_traceid", b"x")], b'{"habit_id":"run"}').id == "e1"


@pytest.mark.parametrize("silent", [True, "true"])
def test_silence_is_understood_as_truth_or_word(silent: object) -> None:
    assert decode_event(STRUCTURED, wire(silent=silent)).silent


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not_json"), (b"", "not_json"), (b"nonsense", "not_json"), (b"[]", "not_json"), (b"\xff", "not_json"),
        (wire()[:-1], "not_json"), (wire().replace(b"run", b"\xff"), "not_json"),
        (wire(title="x" * 70_000), "too_large"),
        (b'{"data":' + b"[" * 60_000, "too_deep"), (b'{"x":' + b'{"a":' * 10_000, "too_deep"),
        (wire().replace(b"run", b"r\\u0000n"), "text_with_nul"), (wire(x="\x00"), "text_with_nul"),
        (wire(subject=...), "missing_subject"), (wire(subject=""), "missing_subject"),
        (wire(subject=None), "missing_subject"), (wire(subject="a b"), "wrong_envelope"),
        (wire(subject="a/b"), "wrong_envelope"), (wire(subject="x" * 129), "wrong_envelope"),
        (wire(id=...), "wrong_envelope"), (wire(id=7), "wrong_envelope"), (wire(tenantid=...), "wrong_envelope"),
        (wire(time=...), "wrong_envelope"), (wire(time="2026-05-05T07:30:00"), "wrong_envelope"),
        (wire(time="yesterday"), "wrong_envelope"), (wire(type="Habit"), "wrong_envelope"),
        (wire(type="habit.checked "), "wrong_envelope"), (wire(id="x" * 513), "wrong_envelope"),
        (wire(time="1969-12-31T00:00:00Z"), "time_out_of_range"),
        (wire(time="2200-01-01T00:00:00Z"), "time_out_of_range"),
        (wire(receivedat="9999-01-01T00:00:00Z"), "time_out_of_range"),
        (wire(data=...), "wrong_data"), (wire(data=[1]), "wrong_data"), (wire(data={}), "wrong_data"),
        (wire(data={"habit_id": 7}), "wrong_data"), (wire(data={"habit_id": ""}), "wrong_data"),
        (wire(data={"habit_id": "x" * 513}), "wrong_data"), (wire(data=[1], type="a.b"), "wrong_data"),
        (wire({"session_id": "s", "starts_at": "2026-05-05T07:00:00Z", "ends_at": "2026-05-05T06:00:00Z"},
              type="session.booked"), "wrong_data"),
        (wire({"session_id": "s", "starts_at": "2026-05-05T07:00:00Z", "ends_at": "2300-05-05T06:00:00Z"},
              type="session.booked"), "wrong_data"),
        (wire({"course_id": "c", "percent": 101}, type="course.progressed"), "wrong_data"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    assert reason_of(value) == reason


def test_a_backslash_before_u0000_is_text_and_no_nul() -> None:
    assert decode_event((), wire({"habit_id": "C:\\u0000"})).data.habit_id == "C:\\u0000"


def test_a_content_type_that_is_not_json_is_refused() -> None:
    assert reason_of(wire(), [("content-type", b"text/plain")]) == "wrong_content_type"
    assert reason_of(wire(), [("content-type", b"application/cloudevents-batch+json")]) == "wrong_content_type"


def test_a_nul_in_a_header_is_refused() -> None:
    assert reason_of(b'{"habit_id":"run"}', binary(id="e\x00")) == "text_with_nul"
    assert reason_of(b'{"habit_id":"run"}', [("ce_id", b"\xff")]) == "not_json"


@pytest.mark.parametrize(
    ("data", "dropped"),
    [
        ({"habit_id": "run", "day": "yesterday"}, ("data.day",)),
        ({"habit_id": "run", "title": 7, "timezone": 5}, ("data.title", "data.timezone")),
        ({"habit_id": "run", "timezone": "Mars/Olympus"}, ("data.timezone",)),
        ({"habit_id": "run", "title": "x" * 513}, ("data.title",)),
    ],
)
def test_a_wrong_optional_field_is_dropped_and_named_and_never_the_event(data: Any, dropped: tuple[str, ...]) -> None:
    event = decode_event((), wire(data))
    assert sorted(event.dropped) == sorted(dropped)
    assert (event.data.habit_id, event.data.day, event.data.timezone) == ("run", None, None)


def test_a_wrong_optional_attribute_is_dropped_and_named() -> None:
    event = decode_event((), wire(receivedat="soon", silent=3))
    assert (event.dropped, event.silent, event.received_at) == (("receivedat", "silent"), False, None)


def test_no_attribute_can_say_what_the_codec_says_of_an_event_itself() -> None:
    event = decode_event((), wire(_type="goal.completed", _dropped=["data.day"], dropped=["data.day"]))
    assert (event.type, event.dropped) == ("habit.checked", ())


def test_a_free_type_carries_flat_data() -> None:
    data = {"kilos": 80.5, "note": "", "n": 3, "ok": True, "none": None, "timezone": "Europe/Vienna"}
    assert decode_event((), wire(data, type="weight.logged")).data == data
    event = decode_event((), wire({"a": {"b": 1}, "c": [1], "d": 1, "timezone": "Nowhere"}, type="weight.logged"))
    assert (event.data, sorted(event.dropped)) == ({"d": 1}, ["data.a", "data.c", "data.timezone"])
    assert decode_event((), wire({"timezone": 5}, type="weight.logged")).data == {}


@pytest.mark.parametrize("event_type", sorted(EVENT_DATA))
def test_every_known_type_round_trips(event_type: str) -> None:
    full: dict[str, Any] = {
        "session_id": "s", "habit_id": "h", "course_id": "c", "lesson_id": "l", "goal_id": "g", "program_id": "p",
        "order_id": "o", "amount_cents": 5, "currency": "EUR", "percent": 5, "days": 5, "event_id": "e",
        "starts_at": "2026-05-05T07:00:00Z", "ends_at": "2026-05-05T08:00:00Z", "day": "2026-05-05",
        "from": "2026-05-05",
        "reason": "r", "author": "a", "title": "t", "timezone": "UTC",
    }  # fmt: skip
    event = decode_event((), wire(full, type=event_type, silent=True, receivedat="2026-05-06T00:00:00Z"))
    assert event.dropped == ()
    assert decode_event(STRUCTURED, encode_event(event)) == event


def test_the_fast_way_agrees_with_the_shape_of_the_envelope() -> None:
    odd = "\t\n\x1c\x1f\x7f\x85\xa0\xad\u1680\u200b\u2028\u202f\u3000\ue000\ufeff\U000e0001"
    for subject in ("c1", "ü", "a b", "a/b", "", "x" * 128, "x" * 129, *(f"a{character}" for character in odd)):
        value = wire(subject=subject)
        try:
            msgspec.json.decode(value, type=Envelope)
        except msgspec.ValidationError:
            assert reason_of(value) in {"wrong_envelope", "missing_subject"}
        else:
            assert decode_event((), value).client == subject


def attempt(decode: Any, headers: Any, value: bytes) -> Any:
    """What was decoded, or the reason why not."""
    try:
        return decode(headers, value)
    except Refused as refused:
        return refused.reason


@law
@given(
    st.binary(max_size=400),
    st.lists(st.tuples(st.sampled_from(["content-type", "ce_id", "x"]), st.binary(max_size=20))),
)
def test_no_bytes_crash_the_codec(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    for decode in (decode_event, decode_milestone):
        assert attempt(decode, headers, value) in REFUSAL_REASONS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@law
@given(
    st.dictionaries(st.sampled_from([*ENVELOPE, "silent", "receivedat"]), json_values, max_size=3),
    st.sampled_from(sorted(EVENT_DATA)),
    st.dictionaries(
        st.sampled_from(["habit_id", "session_id", "day", "ends_at", "starts_at", "timezone", "x"]), json_values
    ),
)
def test_nothing_that_looks_like_an_event_crashes_the_codec(
    envelope: dict[str, Any], event_type: str, data: dict[str, Any]
) -> None:
    event = attempt(decode_event, (), wire(data, **{"type": event_type, **envelope}))
    assert isinstance(event, Event) or event in REFUSAL_REASONS
    if isinstance(event, Event):
        assert decode_event((), encode_event(event)).data == event.data


def test_a_milestone_travels_in_binary_mode_and_comes_back() -> None:
    sent = decode_milestone((), msgspec.json.encode(MILESTONE))
    value, headers = encode_milestone(sent)
    assert decode_milestone(headers, value) == sent
    assert dict(headers)["ce_type"] == b"milestone.reached"
    assert dict(headers)["ce_id"] == b"abc:1:reached"
    assert dict(headers)["ce_time"] == b"2026-05-05T07:30:00Z"
    withdrawn = msgspec.structs.replace(sent, type="milestone.retracted")
    assert dict(encode_milestone(withdrawn)[1])["ce_id"] == b"abc:1:retracted"


MILESTONE: dict[str, Any] = {
    "type": "milestone.reached", "tenant": "t1", "client": "c1", "milestone_id": "abc", "revision": 1, "rule": "r",
    "kind": "count", "name": "n", "tier": "micro", "threshold": 1, "occurrence": "once", "value": 1,
    "reached_at": "2026-05-05T07:30:00Z", "rulebook": "d", "facts": {"so_far": {}}, "later": "ignored",
}  # fmt: skip


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xff", b"[" * 50_000])
def test_what_is_no_milestone_is_refused(value: bytes | None) -> None:
    with pytest.raises(Refused, match="wrong_milestone"):
        decode_milestone((), value)


def test_an_unknown_field_of_a_milestone_is_ignored() -> None:
    assert isinstance(decode_milestone((), msgspec.json.encode(MILESTONE)), Milestone)


def test_when_an_event_was_heard_travels_beside_its_milestone() -> None:
    assert heard_ms([("x", None), heard_header(5)]) == 5
    assert heard_ms([]) is None
    assert heard_ms([("ce_receivedat", b"soon")]) is None


def test_a_profile_is_read_and_what_it_does_not_know_is_ignored() -> None:
    profile = decode_profile(b'{"timezone":"Europe/Vienna","birthday":"02-29","joined_on":"2026-01-01","later":1}')
    assert (profile.timezone, profile.birthday, str(profile.joined_on)) == ("Europe/Vienna", "02-29", "2026-01-01")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"timezone":"Mars/Olympus"}', "wrong_profile"), (b'{"birthday":"13-01"}', "wrong_profile"),
        (b'{"birthday":"tomorrow"}', "wrong_profile"), (b'{"birthday":"2025-02-29"}', "wrong_profile"),
        (b"[]", "wrong_profile"), (b"\xff", "wrong_profile"), (b"[" * 50_000, "wrong_profile"),
        (b'{"name":"' + b"x" * 70_000 + b'"}', "too_large"),
    ],
)  # fmt: skip
def test_a_wrong_profile_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_profile(value)
    assert refused.value.reason == reason


def test_the_detail_of_a_refused_profile_names_fields_and_no_person() -> None:
    with pytest.raises(Refused) as refused:
        decode_profile(b'{"email":"ann example.org","phone":"Ann","timezone":"Ann"}')
    assert "email" in refused.value.detail
    assert "Ann" not in str(refused.value)
    assert "example.org" not in str(refused.value)


def test_a_profile_may_leave_everything_out() -> None:
    assert decode_profile(b'{"timezone":null,"birthday":null}').status == "active"
