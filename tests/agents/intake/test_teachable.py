"""What a Teachable hook says, by its own documentation, and what it does not."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.facts import joined
from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.teachable import translate
from agents.intake.vendor_hooks import TeachableHooks
from schemas.client import Consent, Profile
from schemas.event import CourseData, CourseProgressData, LessonData, MembershipData, ProgramData, PurchaseData

HOOKS: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures" / "teachable.json").read_text())
HEARD_AT = datetime(2026, 5, 8, 12, tzinfo=UTC)
SENT_AT = datetime(2026, 5, 7, 12, 28, 58, tzinfo=UTC)
ANA = Person(external_id="10228583", email="Ana.Berger@example.com", is_vouched=False)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner))
FIELDS = sorted({field for hook in HOOKS.values() for field in hook["object"]})


def hook(type_: str, /, **changes: Any) -> dict[str, Any]:
    return {**HOOKS[type_], "object": {**HOOKS[type_]["object"], **changes}}


def read(body: Any) -> tuple[Finding | Ignored, ...]:
    return translate("school", body if isinstance(body, bytes) else json.dumps(body).encode(), HEARD_AT)


def found(envelope: Any) -> Finding:
    (finding,) = read(envelope)
    assert isinstance(finding, Finding)
    return finding


def happenings(type_: str, /, **changes: Any) -> dict[str, Happening]:
    return {each.type: each for each in found(hook(type_, **changes)).happenings}


def reasons(body: Any) -> list[str]:
    return [one.reason for one in read(body) if isinstance(one, Ignored)]


def consent(type_: str, /, **changes: Any) -> Consent | None:
    return joined(Profile(), found(hook(type_, **changes)).facts).consents.get("marketing")


def test_a_completed_lecture_is_a_lesson_and_the_courses_progress() -> None:
    said = happenings("LectureProgress.created")
    assert said["lesson.completed"].data == LessonData(
        course_id="teachable:301405", lesson_id="teachable:4666823", title="The first mile"
    )
    assert said["course.progressed"].data == CourseProgressData(
        course_id="teachable:301405", percent=40, title="Walking well"
    )
    assert {each.occurred_at for each in said.values()} == {SENT_AT}
    assert {each.id for each in said.values()} == {
        "school:47692296:lesson.completed",
        "school:47692296:course.progressed",
    }


@pytest.mark.parametrize("is_completed", [False, None])
def test_a_lecture_that_is_not_completed_is_no_lesson(is_completed: bool | None) -> None:
    assert list(happenings("LectureProgress.created", is_completed=is_completed)) == ["course.progressed"]


@pytest.mark.parametrize("percent", [None, 0, -1, 101, "most", [], True])
def test_without_a_percentage_nothing_is_said_of_progress(percent: Any) -> None:
    assert list(happenings("LectureProgress.created", percent_complete=percent)) == ["lesson.completed"]


def test_an_enrollment_is_dated_by_itself() -> None:
    said = happenings("Enrollment.created")
    assert list(said) == ["program.enrolled"]
    assert said["program.enrolled"].data == ProgramData(program_id="teachable:301405", title="Walking well")
    assert said["program.enrolled"].occurred_at == datetime(2026, 5, 1, 7, tzinfo=UTC)


def test_who_enrolls_anew_keeps_the_progress_made() -> None:
    assert happenings("Enrollment.created", percent_complete=30)["course.progressed"].data.percent == 30


def test_a_completed_enrollment_is_a_completed_course() -> None:
    said = happenings("Enrollment.completed")
    assert list(said) == ["course.completed"]
    assert said["course.completed"].data == CourseData(course_id="teachable:301405", title="Walking well")
    assert said["course.completed"].occurred_at == datetime(2026, 5, 7, 12, 30, tzinfo=UTC)


def test_an_enrollment_that_is_disabled_has_ended() -> None:
    said = happenings("Enrollment.disabled")
    assert said["membership.ended"].data == MembershipData(program_id="teachable:301405", title="Walking well")
    assert said["membership.ended"].occurred_at == SENT_AT


def test_a_transaction_is_a_purchase_in_its_own_currency() -> None:
    paid = happenings("Transaction.created")["purchase.completed"]
    assert paid.data == PurchaseData(order_id="teachable:88001", amount_cents=4900, currency="EUR")
    assert paid.occurred_at == datetime(2026, 5, 1, 6, 59, 58, tzinfo=UTC)


def test_a_refund_is_of_the_same_order_with_its_own_amount_and_time() -> None:
    refunded = happenings("Transaction.refunded", currency="eur")["purchase.refunded"]
    assert refunded.data == PurchaseData(order_id="teachable:88001", amount_cents=2450, currency="EUR")
    assert refunded.occurred_at == datetime(2026, 5, 6, 10, tzinfo=UTC)


def test_nothing_paid_and_nothing_refunded_is_nothing_to_tell() -> None:
    assert happenings("Transaction.created", final_price=0) == {}
    assert happenings("Transaction.refunded", amount_refunded=0) == {}


def test_a_sale_says_who_and_nothing_of_money() -> None:
    sale = found(hook("Sale.created", final_price=4900))
    assert (sale.person, sale.happenings) == (ANA, ())


def test_a_person_who_changed_is_a_profile_and_no_event() -> None:
    updated = found(hook("User.updated"))
    assert (updated.person, updated.happenings) == (ANA, ())
    assert updated.facts == {"name": "Ana Berger-Maier", "email": "Ana.Berger@example.com"}


def test_consent_to_marketing_is_given_and_withdrawn_by_what_a_person_does() -> None:
    given, withdrawn = consent("User.subscribe_to_marketing_emails"), consent("User.unsubscribe_from_marketing_emails")
    assert given == Consent(granted=True, source="school", at=SENT_AT)
    assert withdrawn == Consent(granted=False, source="school", at=SENT_AT)


@pytest.mark.parametrize(
    ("type_", "flag", "granted"),
    [
        ("User.created", False, True), ("User.created", True, False), ("User.created", None, None),
        ("User.updated", False, None), ("User.updated", True, False), ("User.updated", None, None),
        ("LectureProgress.created", True, None),
    ],
)  # fmt: skip
def test_a_flag_that_only_repeats_gives_no_consent_and_null_says_nothing(
    type_: str, flag: bool | None, granted: bool | None
) -> None:
    said = consent(type_, unsubscribe_from_marketing_emails=flag)
    assert (said and said.granted) == granted


def test_a_withdrawal_elsewhere_outlives_an_update_of_the_person() -> None:
    withdrawn = {"marketing": Consent(granted=False, source="link", at=datetime(2026, 5, 2, tzinfo=UTC))}
    known = Profile(consents=withdrawn)
    updated = found(hook("User.updated", unsubscribe_from_marketing_emails=False))
    assert joined(known, updated.facts).consents == withdrawn


def test_a_user_is_known_by_id_and_address_or_by_either() -> None:
    assert found(hook("Enrollment.completed")).person == ANA
    assert found(hook("Enrollment.completed", user=None)).person == Person(external_id="10228583", is_vouched=False)
    assert found(hook("Enrollment.completed", user={"email": "a@example.com"})).person == Person(
        email="a@example.com", is_vouched=False
    )


def test_a_hook_about_nobody_is_ignored() -> None:
    assert reasons(hook("Enrollment.completed", user=None, user_id=None)) == ["no_client"]
    assert reasons(hook("User.updated", id=None, email="Ana")) == ["no_client"]


def test_ids_written_as_text_are_the_same_ids() -> None:
    number, text = hook("Enrollment.completed"), hook("Enrollment.completed", course_id="301405")
    assert found({**text, "hook_event_id": str(text["hook_event_id"])}) == found(number)


def test_an_array_is_read_envelope_by_envelope() -> None:
    one, two = hook("LectureProgress.created"), hook("Enrollment.completed")
    assert read([one, two]) == (found(one), found(two))


def test_one_bad_envelope_does_not_spoil_the_rest_and_each_reason_is_told_once() -> None:
    unknown, good = hook("Comment.created"), hook("Enrollment.completed")
    wrong = hook("LectureProgress.created", lecture_id=None)
    answer = read([unknown, 7, wrong, good, unknown, {"type": "Sale.created"}])
    assert answer[0] == found(good)
    assert sorted(reasons([unknown, 7, wrong, good, unknown])) == ["unknown_action", "wrong_data", "wrong_envelope"]
    assert len(answer) == 4


def test_a_type_that_says_nothing_is_ignored() -> None:
    assert reasons(hook("Comment.created")) == ["unknown_action"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"), (b"\xff", "not_json"), (b"[" * 100_000, "not_json"), (b"[]", "wrong_envelope"),
        (b"7", "wrong_envelope"), (b"[" + b"1," * 200 + b"1]", "too_large"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_hook_is_ignored(body: bytes, reason: str) -> None:
    assert reasons(body) == [reason]


def test_a_body_that_is_no_json_is_told_by_its_fault_and_not_by_a_class() -> None:
    (ignored,) = translate("school", b"", HEARD_AT)
    assert isinstance(ignored, Ignored)
    assert ignored.detail == "the body must be JSON: Input data was truncated"


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("Transaction.created", {"final_price": -1}), ("Transaction.created", {"final_price": "free"}),
        ("Transaction.created", {"currency": None}), ("Transaction.refunded", {"amount_refunded": None}),
        ("LectureProgress.created", {"course_id": True}), ("LectureProgress.created", {"user": "Ana"}),
        ("User.updated", {"name": ["Ana"]}),
    ],
)  # fmt: skip
def test_an_object_that_cannot_be_read_is_ignored_without_repeating_it(type_: str, changes: dict[str, Any]) -> None:
    (ignored,) = read(hook(type_, **changes))
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "wrong_data"
    assert not any(word in ignored.detail for word in ("Ana", "free"))


def test_a_hook_without_a_readable_time_is_dated_when_heard() -> None:
    for created in (None, "yesterday", 7, "2999-01-01T00:00:00Z"):
        (lesson, _) = found({**hook("LectureProgress.created"), "created": created}).happenings
        assert lesson.occurred_at == HEARD_AT


@given(body=st.binary(max_size=200))
def test_no_body_crashes_the_translator(body: bytes) -> None:
    assert len(read(body)) == 1


@given(
    type_=st.sampled_from(sorted(HOOKS)),
    changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    around=st.dictionaries(st.sampled_from(["type", "created", "hook_event_id", "object"]), VALUES, max_size=1),
)
def test_no_field_crashes_the_translator(type_: str, changes: dict[str, Any], around: dict[str, Any]) -> None:
    assert len(read({**hook(type_, **changes), **around})) == 1


@pytest.mark.parametrize("type_", sorted(set(HOOKS) - {"Comment.created"}))
def test_no_name_or_address_is_in_what_goes_to_the_events_topic(type_: str) -> None:
    text = repr(found(hook(type_)).happenings).lower()
    assert not any(word in text for word in ("ana", "berger", "example.com"))


async def test_a_signature_that_appears_decides_nothing() -> None:
    hooks = TeachableHooks("school")
    assert all(
        hooks.is_signed(headers, b"x") for headers in ({}, {"teachable-signature": "x"}, {"teachable-signature": "y"})
    )
    assert await hooks.read({}, json.dumps(hook("User.updated")).encode(), HEARD_AT, nullcontext) == read(
        hook("User.updated")
    )
