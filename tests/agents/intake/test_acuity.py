import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.acuity import Notice, is_signed, read_notice, translate
from agents.intake.finding import Finding, Happening, Ignored, Person
from schemas.event import BookingData
from schemas.tenant import AcuitySource

FIXTURES = Path(__file__).parent / "fixtures"
VECTOR = json.loads((FIXTURES / "signatures.json").read_text())["acuity"]
SOURCE = AcuitySource(kind="acuity", name="acuity", account="11145481", user_id="7", completed_labels=("Completed",))
STARTS_AT = datetime(2013, 7, 2, 17, 15, tzinfo=UTC)
HEARD_AT = datetime(2013, 7, 3, tzinfo=UTC)


def appointment(**changes: Any) -> dict[str, Any]:
    fetched: dict[str, Any] = json.loads((FIXTURES / "acuity_appointment.json").read_text())
    return {**fetched, **changes}


def found(action: str = "changed", heard_at: datetime = HEARD_AT, **changes: Any) -> Finding:
    finding = translate(SOURCE, Notice(action=action, appointment_id=54321), appointment(**changes), heard_at)
    assert isinstance(finding, Finding)
    return finding


def happening(action: str = "changed", heard_at: datetime = HEARD_AT, **changes: Any) -> Happening:
    return found(action, heard_at, **changes).happenings[0]


def label(name: str) -> list[dict[str, Any]]:
    return [{"id": 3, "name": name, "color": "pink"}]


def test_a_signature_by_openssl_is_accepted() -> None:
    assert is_signed(VECTOR["body"].encode(), VECTOR["signature"], ("another-key", VECTOR["key"]))


@pytest.mark.parametrize("signature", ["", "eNqhYp2D", "é", "\udcff", VECTOR["signature"][:-1] + "x"])
def test_a_signature_that_is_not_ours_is_refused(signature: str) -> None:
    assert not is_signed(VECTOR["body"].encode(), signature, (VECTOR["key"],))


def test_a_body_changed_by_one_byte_is_refused() -> None:
    assert not is_signed(VECTOR["body"].encode() + b"0", VECTOR["signature"], (VECTOR["key"],))


def test_without_a_key_nothing_is_signed() -> None:
    assert not is_signed(b"", "", ())


@pytest.mark.parametrize("prefix", ["", "appointment."])
def test_static_and_dynamic_hooks_read_alike(prefix: str) -> None:
    body = f"action={prefix}rescheduled&id=54321&calendarID=1&appointmentTypeID=1".encode()
    assert read_notice(body) == Notice(action="rescheduled", appointment_id=54321)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"action=order.completed&id=1", "unknown_action"),
        (b"", "unknown_action"),
        (b"action=scheduled&id=..%2Fclients", "wrong_data"),
        (b"action=scheduled&id=%D9%A3", "wrong_data"),
        (b"action=scheduled", "wrong_data"),
        (b"\xff\xfe", "wrong_data"),
        (b"&".join([b"a=1"] * 40), "wrong_data"),
    ],
)
def test_a_form_that_names_no_appointment_is_ignored_with_its_reason(body: bytes, reason: str) -> None:
    notice = read_notice(body)
    assert isinstance(notice, Ignored)
    assert notice.reason == reason


@given(st.binary(max_size=200))
def test_no_body_crashes_the_reader(body: bytes) -> None:
    assert isinstance(read_notice(body), Notice | Ignored)


def test_a_live_appointment_is_a_booking_dated_when_it_was_made() -> None:
    booked = happening("scheduled")
    assert booked.type == "session.booked"
    assert booked.occurred_at == datetime(2013, 6, 17, 16, tzinfo=UTC)
    assert booked.data == BookingData(
        session_id="acuity:11145481:54321",
        kind="Regular Visit",
        title="Regular Visit",
        timezone="America/New_York",
        starts_at=STARTS_AT,
        ends_at=STARTS_AT + timedelta(minutes=60),
    )


def test_a_booking_without_its_date_is_dated_when_heard() -> None:
    assert happening("scheduled", datetimeCreated=None).occurred_at == HEARD_AT


def test_a_moved_appointment_is_rescheduled_when_heard() -> None:
    moved = happening("rescheduled")
    assert (moved.type, moved.occurred_at) == ("session.rescheduled", HEARD_AT)


@pytest.mark.parametrize("action", ["scheduled", "rescheduled", "changed", "canceled"])
def test_the_fetched_state_decides_whatever_the_action_says(action: str) -> None:
    assert happening(action, canceled=True).type == "session.canceled"
    assert happening(action, canceled=True, noShow=True).type == "session.no_show"
    assert happening(action, labels=label("Completed")).type == "session.completed"


def test_a_late_scheduled_after_a_cancel_says_cancelled_once() -> None:
    assert happening("scheduled", canceled=True).id == happening("canceled", canceled=True).id


def test_a_label_that_is_not_mapped_completes_nothing() -> None:
    assert happening("changed", labels=label("Checked In")).type == "session.booked"


def test_a_cancelled_appointment_is_not_completed_by_its_label() -> None:
    assert happening(canceled=True, labels=label("Completed")).type == "session.canceled"


def test_a_completion_is_dated_by_the_end_of_the_session() -> None:
    completed = happening(labels=label("Completed"))
    assert completed.occurred_at == STARTS_AT + timedelta(minutes=60)


def test_a_completion_before_the_end_is_dated_when_heard() -> None:
    heard_at = STARTS_AT + timedelta(minutes=30)
    assert happening(heard_at=heard_at, labels=label("Completed")).occurred_at == heard_at


def test_a_retry_is_the_same_event_and_changed_beside_scheduled_too() -> None:
    assert happening("scheduled").id == happening("scheduled").id == happening("changed").id


def test_every_state_has_an_id_of_its_own() -> None:
    states = [
        happening(),
        happening(canceled=True),
        happening(canceled=True, noShow=True),
        happening(labels=label("Completed")),
        happening("rescheduled", datetime="2013-07-03T10:15:00-0700"),
    ]
    assert len({state.id for state in states}) == len(states)


def test_a_move_to_where_it_was_moved_before_says_the_same_as_docs_connect_tells() -> None:
    friday, monday = ({"datetime": f"2013-07-0{day}T10:15:00-0700"} for day in (5, 1))
    moves = [happening("rescheduled", **to).id for to in (friday, monday, friday)]
    assert moves[0] == moves[2] != moves[1]


def test_the_client_is_the_address_and_the_profile_says_who_and_where() -> None:
    finding = found()
    assert finding.person == Person(email="Bob.McTest@example.com")
    assert finding.facts == {
        "name": "Bob McTest",
        "email": "Bob.McTest@example.com",
        "timezone": "America/New_York",
    }


def test_without_an_address_name_and_phone_are_the_client() -> None:
    assert found(email="", phone="555").person == Person(external_id="bob|mctest|555")


def test_an_appointment_of_nobody_is_ignored() -> None:
    nobody = appointment(email="", phone="", firstName="", lastName="")
    ignored = translate(SOURCE, Notice(action="changed", appointment_id=54321), nobody, HEARD_AT)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "no_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"datetime": "2013-07-02"},
        {"datetime": "9999-12-31T23:00:00-0000", "duration": 600},
        {"duration": -1},
        {"duration": "an hour"},
        {"id": None},
        {"labels": "Completed"},
    ],
)
def test_an_appointment_that_cannot_be_read_is_ignored_without_repeating_it(changes: dict[str, Any]) -> None:
    ignored = translate(SOURCE, Notice(action="changed", appointment_id=54321), appointment(**changes), HEARD_AT)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "wrong_appointment"
    assert "2013-07" not in ignored.detail


def test_no_name_or_address_is_in_what_goes_to_the_events_topic() -> None:
    text = repr(happening()).lower()
    assert not any(word in text for word in ("bob", "mctest", "example.com"))
