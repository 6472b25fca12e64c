import json
from base64 import b64encode
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import REASONS, Finding, Ignored, Person
from agents.intake.standard_webhooks import is_signed, translate
from schemas.event import CourseProgressData, HabitData, RetractionData

VECTOR = json.loads((Path(__file__).parent / "fixtures" / "signatures.json").read_text())["standard_webhooks"]
OTHER = "whsec_" + b64encode(b"another secret of 24 byte").decode()
HEARD_AT = datetime(2026, 5, 8, 12, tzinfo=UTC)
CLIENT = {"id": "u-7", "email": "Ana@example.com", "name": "Ana", "timezone": "Europe/Vienna"}


def headers(**changes: str) -> dict[str, str]:
    signed = {
        "webhook-id": VECTOR["id"],
        "webhook-timestamp": str(VECTOR["stamp"]),
        "webhook-signature": VECTOR["signature"],
    }
    return {**signed, **{name.replace("_", "-"): value for name, value in changes.items()}}


def signed(changes: dict[str, str], *, seconds_later: int = 0, body: str = VECTOR["body"]) -> bool:
    with time_machine.travel(VECTOR["stamp"] + seconds_later, tick=False):
        return is_signed(body.encode(), headers(**changes), (OTHER, VECTOR["secret"]))


def read(body: Any, webhook_id: str = "msg_1") -> Finding | Ignored:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return translate("tracker", {"webhook-id": webhook_id}, raw, HEARD_AT)


def found(body: Any) -> Finding:
    finding = read(body)
    assert isinstance(finding, Finding)
    return finding


def checked(**data: Any) -> dict[str, Any]:
    return {
        "type": "habit.checked",
        "timestamp": "2026-05-08T07:30:00+02:00",
        "data": {"client": CLIENT, "habit_id": "movement", **data},
    }


def test_a_signature_by_openssl_is_accepted() -> None:
    assert signed({})


def test_a_signature_of_another_version_is_skipped() -> None:
    assert signed({"webhook_signature": f"v1a,AAAA {VECTOR['signature']}"})


@pytest.mark.parametrize("seconds_later", [-301, 301])
def test_a_stale_or_early_stamp_is_refused(seconds_later: int) -> None:
    assert not signed({}, seconds_later=seconds_later)


def test_a_changed_body_is_refused() -> None:
    assert not signed({}, body=VECTOR["body"] + " ")


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,=", "v1,é", "v1,a,b", ",", "v1a,AAAA", "\udcff"])
@pytest.mark.parametrize("stamp", ["1614265330", "", "nan", "inf", "1e400", "-1", "now"])
def test_a_malformed_header_is_a_bad_signature(signature: str, stamp: str) -> None:
    assert not signed({"webhook_signature": signature, "webhook_timestamp": stamp})


@pytest.mark.parametrize("secret", ["whsec_!!", "whsec_", "whsec_é", "="])
def test_a_malformed_secret_fits_nothing_and_hides_no_other(secret: str) -> None:
    assert not is_signed(VECTOR["body"].encode(), headers(), (secret,))
    with time_machine.travel(VECTOR["stamp"], tick=False):
        assert is_signed(VECTOR["body"].encode(), headers(), (secret, VECTOR["secret"]))


def test_an_id_that_is_not_text_is_a_bad_signature() -> None:
    assert not signed({"webhook_id": "\udcff"})


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=20), st.binary(max_size=50))
def test_no_header_or_body_crashes_the_check(signature: str, stamp: str, id_: str, body: bytes) -> None:
    made_up = {"webhook-signature": signature, "webhook-timestamp": stamp, "webhook-id": id_}
    assert not is_signed(body, made_up, (VECTOR["secret"],))


def test_an_event_takes_its_id_from_the_webhook_and_its_time_from_the_body() -> None:
    (happening,) = found(checked(day="2026-05-08")).happenings
    assert happening.id == "tracker:msg_1"
    assert happening.type == "habit.checked"
    assert happening.occurred_at == datetime(2026, 5, 8, 5, 30, tzinfo=UTC)
    assert happening.data == HabitData(habit_id="movement", day=date(2026, 5, 8))


def test_the_client_is_known_by_id_and_address() -> None:
    finding = found(checked())
    assert finding.person == Person(external_id="u-7", email="Ana@example.com")
    assert finding.facts == {"email": "Ana@example.com", "name": "Ana", "timezone": "Europe/Vienna"}


def test_a_flat_body_reads_like_a_nested_one() -> None:
    flat = {
        "type": "course.progressed",
        "timestamp": "2026-05-08T07:30:00Z",
        "client_id": "u-7",
        "client_email": "Ana@example.com",
        "course_id": "c-1",
        "percent": 50,
    }
    finding = found(flat)
    assert finding.person == Person(external_id="u-7", email="Ana@example.com")
    assert finding.happenings[0].data == CourseProgressData(course_id="c-1", percent=50)


@pytest.mark.parametrize("client", ["ana@example.com", {"id": "ana@example.com"}, {"email": "ana@example.com"}])
def test_an_id_that_is_an_address_is_one(client: Any) -> None:
    assert found(checked(client=client)).person == Person(email="ana@example.com")


def test_a_number_may_be_a_clients_id() -> None:
    assert found(checked(client={"id": 7})).person == Person(external_id="7")


def test_a_profile_alone_is_no_event() -> None:
    finding = found({"type": "client.updated", "data": {"client": {**CLIENT, "birthday": "05-08"}}})
    assert finding.happenings == ()
    assert finding.facts["birthday"] == "05-08"


def test_a_body_without_a_time_is_dated_when_heard() -> None:
    body = checked()
    del body["timestamp"]
    assert found(body).happenings[0].occurred_at == HEARD_AT


def test_a_free_type_carries_its_numbers_and_no_contact_data() -> None:
    data = {"client": CLIENT, "kilos": 80.5, "email": "ana@example.com", "name": "Ana"}
    finding = found({"type": "weight.logged", "timestamp": "2026-05-08T07:30:00Z", "data": data})
    assert finding.happenings[0].data == {"kilos": 80.5}


@pytest.mark.parametrize(
    ("type_", "data", "field"),
    [
        ("race.finished", {"x": "ada@example.org"}, "data.x"),
        ("race.finished", {"x": "by Ada <ada@example.org>"}, "data.x"),
        ("habit.checked", {"habit_id": "ada@example.org"}, "data.habit_id"),
        ("event.retracted", {"event_id": "ada@example.org"}, "data.event_id"),
        ("race.finished", {"ada@example.org": 1}, "the name of a field"),
    ],
)
def test_an_event_that_holds_an_address_is_set_aside_by_the_fields_name(
    type_: str, data: dict[str, Any], field: str
) -> None:
    ignored = read({"type": type_, "data": {"client": CLIENT, **data}})
    assert isinstance(ignored, Ignored)
    assert (ignored.reason, ignored.detail.startswith(f"{field} ")) == ("contact_data", True)
    assert "ada" not in ignored.detail.lower()
    assert ignored.reason in REASONS


def test_a_webhook_id_that_holds_an_address_is_set_aside() -> None:
    ignored = read(checked(), "ada@example.org")
    assert isinstance(ignored, Ignored)
    assert ignored.detail == "webhook-id holds an address; an address belongs to data.client"


def test_a_word_with_an_at_sign_is_no_address() -> None:
    finding = found({"type": "race.finished", "data": {"client": CLIENT, "pace": "10 km @ 5:30"}})
    assert finding.happenings[0].data == {"pace": "10 km @ 5:30"}


def test_a_retraction_names_the_event_by_its_webhook_id() -> None:
    data = {"client": CLIENT, "event_id": "msg_0"}
    finding = found({"type": "event.retracted", "timestamp": "2026-05-08T07:30:00Z", "data": data})
    assert finding.happenings[0].data == RetractionData(event_id="tracker:msg_0")


def test_a_wrong_optional_field_is_left_out_and_not_the_event() -> None:
    assert found(checked(day="yesterday")).happenings[0].data == HabitData(habit_id="movement")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not_json"),
        (b"[]", "not_json"),
        (b"[" * 100_000, "not_json"),
        ({"type": "habit.checked", "data": {"habit_id": "movement"}}, "no_client"),
        ({"type": "habit.checked", "data": {"client": {"id": "x" * 257}}}, "no_client"),
        ({"type": "habit.checked", "data": {"client": "u-7"}}, "wrong_data"),
        ({"type": "Habit", "data": {"client": "u-7"}}, "wrong_envelope"),
        ({"data": {"client": "u-7"}}, "wrong_envelope"),
        ({**checked(), "timestamp": "2026-05-08T07:30:00"}, "wrong_envelope"),
        ({**checked(), "timestamp": 5}, "wrong_envelope"),
        (checked(habit_id="a\x00b"), "text_with_nul"),
    ],
)
def test_a_body_that_is_no_event_is_ignored_with_its_reason(body: Any, reason: str) -> None:
    ignored = read(body)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == reason


@pytest.mark.parametrize(
    ("client", "detail"),
    [
        (None, "data.client must have an id or an email"),
        ({"id": " ", "email": ""}, "data.client must have an id or an email"),
        ({"email": "nope"}, "data.client.email is no e-mail address, and data.client has no id"),
        ({"id": "x" * 257}, "data.client.id has at most 256 characters"),
        ({"id": "u-7", "email": "a@" + "b" * 256}, "data.client.email has at most 256 characters"),
        ({"id": ["u-7"]}, "data.client.id must be a text"),
        ({"email": 7.5}, "data.client.email must be a text"),
    ],
)
def test_a_client_who_is_not_known_is_told_by_what_is_wrong_with_them(client: Any, detail: str) -> None:
    ignored = read(checked(client=client))
    assert isinstance(ignored, Ignored)
    assert (ignored.reason, ignored.detail) == ("no_client", detail)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'["ada@example.org"]', "Expected `object`, got `array`"),
        (b'{"email": ada@example.org}', "JSON is malformed: invalid character (byte 10)"),
        (b'{"name": "Ad\xff"}', "it holds bytes that are not UTF-8"),
        (b'{"a":' + b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_body_that_is_no_json_object_is_told_by_its_fault_and_not_by_a_class(body: bytes, fault: str) -> None:
    ignored = read(body)
    assert isinstance(ignored, Ignored)
    assert ignored.detail == f"the body must be a JSON object: {fault}"


def test_an_endless_webhook_id_is_ignored() -> None:
    assert isinstance(read(checked(), "m" * 257), Ignored)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["type", "timestamp", "data", "client", "id", "email", "client_id", "habit_id"])


@given(st.dictionaries(WORDS, JSON_VALUES | st.dictionaries(WORDS, JSON_VALUES, max_size=4), max_size=6))
def test_no_json_crashes_the_translator(body: dict[str, Any]) -> None:
    assert isinstance(read(body), Finding | Ignored)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_translator(body: bytes) -> None:
    assert isinstance(read(body), Finding | Ignored)
