import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.thinkific import is_signed, translate
from schemas.event import (
    CourseData,
    CourseProgressData,
    LessonData,
    MembershipData,
    ProgramData,
    PurchaseData,
)
from schemas.tenant import ThinkificSource

FIXTURES = Path(__file__).parent / "fixtures"
HOOKS = json.loads((FIXTURES / "thinkific_hooks.json").read_text())
VECTOR = json.loads((FIXTURES / "signatures.json").read_text())["thinkific"]
SOURCE = ThinkificSource(kind="thinkific", name="thinkific", currency="CAD")
HEARD_AT = datetime(2018, 6, 1, tzinfo=UTC)
TITLE = "Introduction to Webhooks"


def hook(topic: str, /, **payload: Any) -> dict[str, Any]:
    body: dict[str, Any] = deepcopy(HOOKS[topic])
    body["payload"].update(payload)
    return body


def read(body: Any, heard_at: datetime = HEARD_AT) -> Finding | Ignored:
    return translate(SOURCE, body if isinstance(body, bytes) else json.dumps(body).encode(), heard_at)


def found(body: Any, heard_at: datetime = HEARD_AT) -> Finding:
    finding = read(body, heard_at)
    assert isinstance(finding, Finding)
    return finding


def only(body: Any, heard_at: datetime = HEARD_AT) -> Happening:
    (happening,) = found(body, heard_at).happenings
    return happening


def refund(amount: Any = 5000, refunded_amount: Any = None, **order: Any) -> dict[str, Any]:
    body = hook("order_transaction.refunded", amount=amount, refunded_amount=refunded_amount)
    body["payload"]["order"].update(order)
    return body


def test_a_signature_by_openssl_is_accepted() -> None:
    assert is_signed(VECTOR["body"].encode(), VECTOR["signature"], ("another-key", VECTOR["key"]))


@pytest.mark.parametrize("signature", ["", "38023d6f", "é", "\udcff", VECTOR["signature"][:-1] + "0"])
def test_a_signature_that_is_not_ours_is_refused(signature: str) -> None:
    assert not is_signed(VECTOR["body"].encode(), signature, (VECTOR["key"],))


def test_a_body_changed_by_one_byte_is_refused() -> None:
    assert not is_signed(VECTOR["body"].encode() + b" ", VECTOR["signature"], (VECTOR["key"],))


def test_without_a_key_nothing_is_signed() -> None:
    assert not is_signed(b"", "", ())


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("topic", "type_", "occurred_at", "data"),
    [
        (
            "enrollment.created",
            "program.enrolled",
            at(2018, 1, 26, 22, 23, 18, 390000),
            ProgramData(program_id="thinkific:68", title=TITLE),
        ),
        (
            "enrollment.progress",
            "course.progressed",
            at(2018, 1, 27, 19, 20, 4, 19000),
            CourseProgressData(course_id="thinkific:68", title=TITLE, percent=24),
        ),
        (
            "enrollment.completed",
            "course.completed",
            at(2018, 2, 1, 19, 20, 5, 400000),
            CourseData(course_id="thinkific:68", title=TITLE),
        ),
        (
            "lesson.completed",
            "lesson.completed",
            at(2018, 1, 27, 19, 20, 3, 900000),
            LessonData(course_id="thinkific:68", lesson_id="thinkific:2204", title="What a hook is"),
        ),
        (
            "order.created",
            "purchase.completed",
            at(2018, 1, 26, 22, 23, 18, 400000),
            PurchaseData(order_id="thinkific:19796", amount_cents=5000, currency="CAD", title=TITLE),
        ),
        (
            "order_transaction.refunded",
            "purchase.refunded",
            at(2018, 2, 3, 10),
            PurchaseData(order_id="thinkific:19796", amount_cents=2000, currency="USD", title=TITLE),
        ),
        ("subscription.cancelled", "membership.ended", at(2018, 3, 24, 10, 30), MembershipData()),
    ],
)
def test_each_topic_is_its_event_dated_by_itself_or_else_by_its_delivery(
    topic: str, type_: str, occurred_at: datetime, data: object
) -> None:
    happening = only(hook(topic))
    assert (happening.type, happening.occurred_at, happening.data) == (type_, occurred_at, data)
    assert happening.id == f"thinkific:{HOOKS[topic]['id']}"


def test_a_cancelled_subscription_is_known_by_either_spelling() -> None:
    body = {**hook("subscription.cancelled", product_id=5, product_name="Circle"), "action": "cancelled"}
    assert only(body).data == MembershipData(program_id="thinkific:5", title="Circle")


@pytest.mark.parametrize("topic", HOOKS)
def test_the_client_is_known_by_id_and_address_and_the_profile_says_who(topic: str) -> None:
    finding = found(hook(topic))
    assert finding.person == Person(external_id="123456", email="ninjas@example.com")
    assert finding.facts == {"name": "Robert Smith", "email": "ninjas@example.com"}


@pytest.mark.parametrize(
    ("written", "percent"), [("0", 0), ("24.0", 24), ("100", 100), ("1.0", 1), (0.24, 24), (1, 100)]
)
def test_a_percentage_is_a_text_of_a_hundred_or_a_number_of_one(written: Any, percent: float) -> None:
    assert only(hook("enrollment.progress", percentage_completed=written)).data.percent == percent


def test_an_order_of_nothing_is_no_purchase() -> None:
    assert found(hook("order.created", amount_cents=0)).happenings == ()


@pytest.mark.parametrize(
    ("body", "cents"),
    [
        (refund(5000, 2000), 2000),
        (refund(5000, None), 5000),
        (refund(None, None), 5000),
        (refund(50, 20), 2000),
        (refund("49.50", "10.25", amount_dollars="49.50", amount_cents=4950), 1025),
        (refund(85, 20), 20),
    ],
)
def test_a_refund_is_the_part_given_back_in_cents(body: dict[str, Any], cents: int) -> None:
    assert only(body).data.amount_cents == cents


def test_nothing_is_dated_after_it_was_heard() -> None:
    heard_at = at(2018, 1, 1)
    assert all(only(hook(topic), heard_at).occurred_at == heard_at for topic in HOOKS)


def test_a_delivery_without_a_time_is_dated_when_heard() -> None:
    assert only({**hook("enrollment.progress"), "created_at": None}).occurred_at == HEARD_AT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not_json"),
        (b"[]", "not_json"),
        (b"[" * 100_000, "not_json"),
        ({}, "unknown_action"),
        ({**hook("order.created"), "action": "deleted"}, "unknown_action"),
        ({**hook("order.created"), "resource": {"order": 1}}, "unknown_action"),
        ({**hook("order.created"), "payload": None}, "no_client"),
        (hook("order.created", user={"id": None, "email": "[TEST] john"}), "no_client"),
        ({**hook("order.created"), "id": None}, "wrong_data"),
        (hook("order.created", id=None), "wrong_data"),
        (hook("order.created", amount_cents="5000.5"), "wrong_data"),
        (hook("order.created", amount_cents=None), "wrong_data"),
        (hook("enrollment.created", course_id=None, course=None), "wrong_data"),
        (hook("enrollment.progress", percentage_completed="101"), "wrong_data"),
        (hook("enrollment.progress", percentage_completed="-1"), "wrong_data"),
        (hook("enrollment.progress", percentage_completed=24), "wrong_data"),
        (hook("enrollment.progress", percentage_completed="NaN"), "wrong_data"),
        (hook("enrollment.progress", percentage_completed=True), "wrong_data"),
        (hook("lesson.completed", lesson={}), "wrong_data"),
        (refund("x", None, amount_cents=None), "wrong_data"),
        (refund(-5000, None), "wrong_data"),
        (refund(5000, 0.5), "wrong_data"),
    ],
)
def test_a_body_that_says_nothing_usable_is_ignored_with_its_reason(body: Any, reason: str) -> None:
    ignored = read(body)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == reason


def test_no_name_or_address_is_in_what_goes_to_the_events_topic() -> None:
    text = repr([found(hook(topic)).happenings for topic in HOOKS]).lower()
    assert not any(word in text for word in ("robert", "smith", "example.com"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["id", "user", "course", "course_id", "lesson", "order", "amount", "amount_cents", "percentage_completed"]
)
FRAGMENTS = st.dictionaries(st.sampled_from(["id", "email", "amount_cents", "amount_dollars", "name"]), JSON_VALUES)


@given(
    topic=st.sampled_from(sorted(HOOKS)),
    payload=st.dictionaries(FIELDS, JSON_VALUES | FRAGMENTS),
    envelope=st.dictionaries(st.sampled_from(["id", "created_at"]), JSON_VALUES),
)
def test_no_json_crashes_the_translator(topic: str, payload: dict[str, Any], envelope: dict[str, Any]) -> None:
    assert isinstance(read({**hook(topic, **payload), **envelope}), Finding | Ignored)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_translator(body: bytes) -> None:
    assert isinstance(read(body), Finding | Ignored)
