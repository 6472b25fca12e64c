"""What a Calendly hook says, by its own documentation, and what it does not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.calendly import Notice, is_signed, read_notice, translate
from agents.intake.finding import Finding, Happening, Ignored, Person
from schemas.event import BookingData, SessionData

FIXTURES = Path(__file__).parent / "fixtures"
VECTOR = json.loads((FIXTURES / "signatures.json").read_text())["calendly"]
HOOKS = json.loads((FIXTURES / "calendly.json").read_text())
HEX, STAMP = VECTOR["signature"].partition("v1=")[2], VECTOR["stamp"]
ARABIC_STAMP = "".join(chr(0x660 + int(digit)) for digit in str(STAMP))
NOW_MS = STAMP * 1000
MINUTES_MS = 60_000
HEARD_AT = datetime(2026, 5, 20, tzinfo=UTC)
A, B, C = "calendly:AAAAAAAAAAAAAAAA", "calendly:BBBBBBBBBBBBBBBB", "calendly:CCCCCCCCCCCCCCCC"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner))
ENVELOPE = b'{"event": "invitee.created", "created_at": "2026-05-08T12:00:00Z", "payload": '
FIELDS = sorted(HOOKS["moved_canceled"]["payload"])


def hook(which: str, /, **changes: Any) -> dict[str, Any]:
    envelope: dict[str, Any] = HOOKS[which]
    return {**envelope, "payload": {**envelope["payload"], **changes}}


def noticed(envelope: Any) -> Notice | Ignored:
    return read_notice(envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode())


def translated(
    envelope: Any, session_id: str = A, given_up: tuple[str, ...] = (), heard_at: datetime = HEARD_AT
) -> Finding | Ignored:
    notice = noticed(envelope)
    return notice if isinstance(notice, Ignored) else translate(notice, session_id, given_up, heard_at)


def found(envelope: Any, **more: Any) -> Finding:
    finding = translated(envelope, **more)
    assert isinstance(finding, Finding)
    return finding


def happening(envelope: Any, **more: Any) -> Happening:
    (only,) = found(envelope, **more).happenings
    return only


def reason(envelope: Any) -> str:
    ignored = translated(envelope)
    assert isinstance(ignored, Ignored)
    return ignored.reason


def signed(header: str, *, later_ms: int = 0, keys: tuple[str, ...] = ("another-key", VECTOR["key"])) -> bool:
    return is_signed(VECTOR["body"].encode(), header, keys, NOW_MS + later_ms)


def test_a_signature_by_openssl_is_accepted() -> None:
    assert signed(VECTOR["signature"])


def test_of_several_signatures_one_has_to_fit() -> None:
    stamp, _, fits = VECTOR["signature"].partition(",")
    assert signed(f"{stamp},v1=00ff,{fits}")
    assert signed(f"{fits}, {stamp}, v0=abc")
    assert not signed(f"{stamp},v1=00ff,v0={fits.removeprefix('v1=')}")


@pytest.mark.parametrize("later_ms", [5 * MINUTES_MS, -5 * MINUTES_MS])
def test_a_stamp_is_good_for_five_minutes_either_way_and_no_longer(later_ms: int) -> None:
    assert signed(VECTOR["signature"], later_ms=later_ms)
    assert not signed(VECTOR["signature"], later_ms=later_ms + (1 if later_ms > 0 else -1))


@pytest.mark.parametrize("keys", [(), ("another-key",)])
def test_without_the_key_nothing_is_signed(keys: tuple[str, ...]) -> None:
    assert not signed(VECTOR["signature"], keys=keys)


@pytest.mark.parametrize("header", [
    "", "t=,v1=", f"v1={HEX}", f"t={STAMP}", f"t=soon,v1={HEX}", f"t=-1,v1={HEX}", f"t={'9' * 5000},v1={HEX}",
    f"t={STAMP},v1=é", f"t={STAMP},v1=\udcff", f"t={STAMP},v1={HEX[:-1]}", f"t={STAMP},t={STAMP + 1},v1={HEX}",
    f"t={STAMP + 1},v1={HEX}", f"t={ARABIC_STAMP},v1={HEX}", VECTOR["body"],
])  # fmt: skip
def test_a_malformed_header_is_no_signature(header: str) -> None:
    assert not signed(header)


def test_a_body_changed_by_one_byte_is_refused() -> None:
    assert not is_signed(VECTOR["body"].encode() + b" ", VECTOR["signature"], (VECTOR["key"],), NOW_MS)


@given(header=st.text(max_size=60) | st.from_regex(r"t=[0-9]{0,20},v1=.{0,20}", fullmatch=True))
def test_no_header_crashes_the_check(header: str) -> None:
    assert not signed(header)


def test_a_created_invitee_is_a_booking_dated_when_it_was_made() -> None:
    booked = happening(hook("booked"))
    assert (booked.id, booked.type) == (f"{A}:booked", "session.booked")
    assert booked.occurred_at == datetime(2026, 5, 1, 8, 0, 0, 123456, tzinfo=UTC)
    assert booked.data == BookingData(
        session_id=A,
        kind="Coaching session",
        title="Coaching session",
        timezone="Europe/Vienna",
        starts_at=datetime(2026, 5, 12, 14, tzinfo=UTC),
        ends_at=datetime(2026, 5, 12, 15, tzinfo=UTC),
    )


def test_the_client_is_the_address_and_the_profile_says_who_and_where() -> None:
    finding = found(hook("booked"))
    assert finding.person == Person(email="Ana.Berger@example.com")
    assert finding.facts == {"name": "Ana Berger", "email": "Ana.Berger@example.com", "timezone": "Europe/Vienna"}


def test_first_and_last_name_make_a_name() -> None:
    assert found(hook("booked", name=None, first_name="Ana ", last_name="Berger")).facts["name"] == "Ana Berger"


def test_a_reschedule_is_the_same_session_at_another_time_and_only_its_new_half_says_so() -> None:
    assert found(hook("moved_canceled")).happenings == ()
    moved = happening(hook("moved_created"))
    assert (moved.id, moved.type, moved.data.session_id) == (f"{B}:rescheduled", "session.rescheduled", A)
    assert moved.data.starts_at == datetime(2026, 5, 13, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("booked", (A,)), ("moved_canceled", (A, B)), ("moved_created", (A, B)),
        ("moved_again_canceled", (A, B, C)), ("moved_again_created", (B, C)),
    ],
)  # fmt: skip
def test_a_hook_names_its_neighbours_in_the_chain_the_oldest_first(name: str, chain: tuple[str, ...]) -> None:
    notice = noticed(hook(name))
    assert isinstance(notice, Notice)
    assert notice.chain == chain


def test_what_was_told_under_an_id_that_was_given_up_is_cancelled() -> None:
    moved, lost = found(hook("moved_created"), session_id=B, given_up=(A,)).happenings
    assert moved.data.session_id == B
    assert (lost.id, lost.type, lost.data) == (f"{A}:superseded", "session.canceled", SessionData(session_id=A))
    assert lost.occurred_at == moved.occurred_at


def test_a_cancellation_is_dated_by_itself() -> None:
    canceled = happening(hook("canceled"))
    assert (canceled.id, canceled.type) == (f"{A}:canceled", "session.canceled")
    assert canceled.occurred_at == datetime(2026, 5, 4, 9, 0, 0, 123456, tzinfo=UTC)


def test_a_cancellation_without_a_time_is_dated_by_the_hook() -> None:
    canceled = happening(hook("canceled", cancellation={"canceled_by": "Ana", "reason": ""}))
    assert canceled.occurred_at == datetime(2026, 5, 4, 9, 0, 1, tzinfo=UTC)


def test_a_no_show_is_told_and_taken_back() -> None:
    missed, taken_back = happening(hook("no_show")), happening(hook("no_show_taken_back"))
    assert (missed.type, taken_back.type) == ("session.no_show", "session.attended")
    assert missed.data == taken_back.data
    assert missed.occurred_at < taken_back.occurred_at


def test_a_second_mark_of_a_no_show_is_another_event_and_a_retry_is_not() -> None:
    again = {"uri": "https://api.calendly.com/invitee_no_shows/22", "created_at": "2026-05-12T15:30:00Z"}
    marks = [happening(hook("no_show")), happening(hook("no_show")), happening(hook("no_show", no_show=again))]
    assert [mark.id == marks[0].id for mark in marks] == [True, True, False]
    assert marks[2].id == f"{A}:no_show:22"


def test_a_no_show_without_a_mark_of_its_own_is_told_by_the_hooks_time() -> None:
    assert happening(hook("no_show", no_show=None)).id == f"{A}:no_show:2026-05-12T15:10:01+00:00"


def test_every_hook_of_a_booking_is_an_event_of_its_own() -> None:
    names = ("booked", "canceled", "moved_created", "no_show", "no_show_taken_back")
    assert len({happening(hook(name)).id for name in names}) == len(names)


def test_nothing_is_dated_after_it_was_heard() -> None:
    early = datetime(2026, 4, 1, tzinfo=UTC)
    assert happening(hook("booked"), heard_at=early).occurred_at == early


@pytest.mark.parametrize("event", ["routing_form_submission.created", "meeting_recap.created", ""])
def test_another_kind_of_hook_is_ignored_whatever_it_holds(event: str) -> None:
    assert reason({**hook("booked"), "event": event, "payload": []}) == "unknown_action"


def test_an_invitee_without_an_address_is_nobody() -> None:
    assert reason(hook("booked", email=None)) == reason(hook("booked", email="Ana")) == "no_client"


@pytest.mark.parametrize("changes", [
    {"uri": None}, {"uri": "https://api.calendly.com/users/ME"}, {"uri": "https://x/invitees/a b"},
    {"uri": "https://x/invitees/A\n"}, {"old_invitee": "A"}, {"new_invitee": "https://x/invitees/" + "a" * 129},
    {"created_at": "2026-05-01"}, {"scheduled_event": None},
    {"scheduled_event": {"start_time": "2026-05-01T10:00:00Z"}},
    {"scheduled_event": {"start_time": "2026-05-02T10:00:00Z", "end_time": "2026-05-01T10:00:00Z"}},
])  # fmt: skip
def test_a_booking_that_cannot_be_read_is_ignored_without_repeating_it(changes: dict[str, Any]) -> None:
    ignored = translated(hook("booked", **changes))
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "wrong_data"
    assert "2026-05" not in ignored.detail


@pytest.mark.parametrize(
    ("body", "wanted"),
    [(b"", "not_json"), (b"\xff", "not_json"), (ENVELOPE + b"[" * 5000, "not_json"), (b"[]", "wrong_data")],
)
def test_a_body_that_is_no_hook_is_ignored(body: bytes, wanted: str) -> None:
    assert reason(body) == wanted


def test_a_body_that_is_no_json_is_told_by_its_fault_and_not_by_a_class() -> None:
    ignored = noticed(b"")
    assert isinstance(ignored, Ignored)
    assert ignored.detail == "the body must be a JSON object: Input data was truncated"


@given(body=st.binary(max_size=200))
def test_no_body_crashes_the_reader(body: bytes) -> None:
    assert isinstance(noticed(body), Notice | Ignored)


@given(
    name=st.sampled_from(sorted(HOOKS)),
    changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    created_at=st.just("2026-05-01T08:00:01Z") | VALUES,
)
def test_no_field_crashes_the_translator(name: str, changes: dict[str, Any], created_at: Any) -> None:
    envelope = {**hook(name, **changes), "created_at": created_at}
    assert isinstance(translated(envelope), Finding | Ignored)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_no_name_address_or_answer_is_in_what_goes_to_the_events_topic(name: str) -> None:
    text = repr(found(hook(name)).happenings).lower()
    assert not any(word in text for word in ("ana", "berger", "example.com", "knee", "555"))


def test_a_title_that_is_too_long_is_cut_and_an_unknown_zone_left_out() -> None:
    meeting = {**HOOKS["booked"]["payload"]["scheduled_event"], "name": "x" * 2000}
    data = happening(hook("booked", scheduled_event=meeting, timezone="Mars/Base")).data
    assert (len(data.title), data.timezone) == (512, None)
    assert data.ends_at - data.starts_at == timedelta(hours=1)
