import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.kajabi import Standing, tag_change, translate
from agents.intake.kajabi_hook import read_hook
from schemas.event import CourseData, CourseProgressData, GoalData, ProgramData, PurchaseData, RetractionData
from schemas.tenant import KajabiSource

HOOKS = json.loads((Path(__file__).parent / "fixtures" / "kajabi_hooks.json").read_text())
HEARD_AT = datetime(2025, 8, 3, 12, tzinfo=UTC)
PAID_AT = datetime(2025, 7, 31, 17, 10, 19, 285000, tzinfo=UTC)
LAST = Standing(is_last=True, added_id="kajabi:tag_added:before")


def source(**meaning: Any) -> KajabiSource:
    meaning = meaning or {"type": "goal.completed", "id": "module-1", "title": "Module 1"}
    tags = {"Module 1 done": meaning, "12": {"type": "goal.completed", "id": "other"}}
    return KajabiSource.model_validate({"kind": "kajabi", "name": "kajabi", "currency": "EUR", "tags": tags})


def hook(name: str, /, **changes: Any) -> dict[str, Any]:
    return {**deepcopy(HOOKS[name]), **changes}


def changed(name: str, type_: str, /, **attributes: Any) -> dict[str, Any]:
    """A hook with other attributes of one of its resources; `id` is the resource's own."""
    body = hook(name)
    for resource in body["payload"]:
        if resource["type"] == type_:
            resource["id"] = attributes.pop("id", resource["id"])
            resource["attributes"].update(attributes)
    return body


def read(body: Any, known: KajabiSource | None = None, standing: Standing | None = LAST) -> Finding | Ignored:
    said = read_hook(body if isinstance(body, bytes) else json.dumps(body).encode())
    return said if isinstance(said, Ignored) else translate(known or source(), said, HEARD_AT, standing)


def found(body: Any, known: KajabiSource | None = None, standing: Standing | None = LAST) -> Finding:
    finding = read(body, known, standing)
    assert isinstance(finding, Finding)
    return finding


def only(body: Any, known: KajabiSource | None = None, standing: Standing | None = LAST) -> Happening:
    (happening,) = found(body, known, standing).happenings
    return happening


def test_a_mapped_tag_is_the_event_that_it_stands_for_dated_when_heard() -> None:
    goal = only(hook("tag_added"))
    assert (goal.type, goal.occurred_at) == ("goal.completed", HEARD_AT)
    assert goal.data == GoalData(goal_id="module-1", title="Module 1")


@pytest.mark.parametrize(
    ("meaning", "data"),
    [
        ({"type": "course.completed", "id": "c-1"}, CourseData(course_id="c-1")),
        ({"type": "course.progressed", "id": "c-1", "percent": 50}, CourseProgressData(course_id="c-1", percent=50)),
        ({"type": "program.enrolled", "id": "p-1"}, ProgramData(program_id="p-1")),
        ({"type": "program.completed", "id": "p-1"}, ProgramData(program_id="p-1")),
    ],
)
def test_every_meaning_has_its_data(meaning: dict[str, Any], data: object) -> None:
    happening = only(hook("tag_added"), source(**meaning))
    assert (happening.type, happening.data) == (meaning["type"], data)


def test_a_tag_is_mapped_by_its_id_too() -> None:
    assert only(changed("tag_added", "contact_tags", id="12", name="Renamed")).data == GoalData(goal_id="other")


@pytest.mark.parametrize("name", ["tag_added", "tag_removed"])
def test_a_tag_that_is_not_mapped_says_who_the_person_is_and_nothing_else(name: str) -> None:
    body = changed(name, "contact_tags", name="Newsletter")
    finding = found(body)
    assert finding.happenings == ()
    assert finding.facts["name"] == "Sample Recipient"
    said = read_hook(json.dumps(body).encode())
    assert not isinstance(said, Ignored)
    assert tag_change(source(), said, HEARD_AT) is None


def test_a_removed_tag_reopens_a_goal() -> None:
    reopened = only(hook("tag_removed"), standing=Standing(is_last=True, added_id=None))
    assert (reopened.type, reopened.data) == ("goal.reopened", GoalData(goal_id="module-1", title="Module 1"))


def test_a_removed_tag_takes_back_the_event_that_the_added_one_made() -> None:
    back = only(hook("tag_removed"), source(type="course.completed", id="c-1"))
    assert (back.type, back.data) == ("event.retracted", RetractionData(event_id="kajabi:tag_added:before"))


def test_there_is_nothing_to_take_back_of_a_tag_that_was_never_seen_added() -> None:
    unseen = Standing(is_last=True, added_id=None)
    assert found(hook("tag_removed"), source(type="course.completed", id="c-1"), unseen).happenings == ()


@pytest.mark.parametrize("name", ["tag_added", "tag_removed"])
def test_a_change_that_comes_after_a_later_one_says_nothing(name: str) -> None:
    assert found(hook(name), standing=Standing(is_last=False, added_id="kajabi:tag_added:later")).happenings == ()


def test_a_repeated_delivery_is_one_event_and_a_tag_added_again_another() -> None:
    first, again = only(hook("tag_added")), only(changed("tag_added", "contacts", updated_at="2025-08-02T10:00:00Z"))
    assert only(hook("tag_added")).id == first.id
    assert len({first.id, only(hook("tag_removed")).id, again.id}) == 3


@pytest.mark.parametrize(
    "body",
    [
        hook("tag_added", id="kj_1"),
        changed("tag_added", "contacts", id="8802"),
        changed("tag_added", "contact_tags", id="78"),
    ],
)
def test_another_resource_contact_or_tag_is_another_event(body: dict[str, Any]) -> None:
    assert only(body).id != only(hook("tag_added")).id


def test_a_contact_is_known_by_id_and_address() -> None:
    assert found(hook("tag_added")).person == Person(external_id="8801", email="sample@example.com", is_vouched=False)


@pytest.mark.parametrize("name", ["payment_succeeded", "order_created", "purchase", "site_payment_succeeded"])
def test_a_customer_is_known_as_the_contact(name: str) -> None:
    assert found(hook(name)).person == Person(external_id="8801", email="sample@example.com", is_vouched=False)


def test_a_customer_whose_contact_is_not_told_is_not_taken_for_one_of_the_contacts() -> None:
    assert found(hook("site_purchase_created")).person == Person(
        is_vouched=False, external_id="customer:5502", email="sample@example.com"
    )


def test_a_subscription_is_consent_to_marketing_since_the_contact_was_made() -> None:
    said = {"granted": True, "source": "kajabi", "at": datetime(2025, 7, 1, 8, tzinfo=UTC)}
    assert found(hook("tag_added")).facts["consents"] == {"marketing": said}


def test_a_withdrawn_subscription_counts_from_the_latest_change() -> None:
    body = changed("tag_added", "contacts", subscribed=False)
    said = {"granted": False, "source": "kajabi", "at": datetime(2025, 7, 31, 16, 51, 4, 10000, tzinfo=UTC)}
    assert found(body).facts["consents"] == {"marketing": said}


def test_a_contact_of_whom_no_subscription_is_told_consents_to_nothing() -> None:
    assert "consents" not in found(changed("tag_added", "contacts", subscribed=None)).facts
    assert "consents" not in found(hook("payment_succeeded")).facts


def test_a_form_is_a_profile_and_no_event() -> None:
    finding = found(hook("form_submission"))
    assert finding.person == Person(email="john.doe@example.com", is_vouched=False)
    assert finding.facts == {"name": "John Doe", "email": "john.doe@example.com", "phone": "+15555550101"}
    assert finding.happenings == ()


def test_a_flat_form_reads_like_one_of_the_api() -> None:
    body = {"id": "1", "event": "form.submitted", "first_name": "John", "last_name": "Doe", "email": "j@example.com"}
    assert found(body).facts == {"name": "John Doe", "email": "j@example.com", "phone": None}


@pytest.mark.parametrize("name", ["payment_succeeded", "site_payment_succeeded"])
def test_a_payment_is_a_purchase_by_the_id_of_its_transaction_in_either_form(name: str) -> None:
    paid = only(hook(name))
    assert (paid.id, paid.type, paid.occurred_at) == ("kajabi:payment:90210", "purchase.completed", PAID_AT)
    assert paid.data.amount_cents == 1000
    assert paid.data.order_id == "kajabi:90210"
    assert paid.data.currency == "USD"


def test_a_sale_that_sends_all_three_hooks_is_one_purchase() -> None:
    said = [found(hook(name)) for name in ("order_created", "payment_succeeded", "purchase", "site_purchase_created")]
    assert [len(finding.happenings) for finding in said] == [0, 1, 0, 0]


def test_an_amount_without_its_currency_is_in_the_sources() -> None:
    assert only(changed("payment_succeeded", "transactions", currency=None)).data == PurchaseData(
        order_id="kajabi:90210", amount_cents=1000, currency="EUR"
    )


def test_the_decimal_twin_is_read_where_the_cents_are_missing() -> None:
    body = hook("site_payment_succeeded")
    del body["payment_transaction"]["amount_paid"]
    for twin, cents in (("10.00", 1000), ("19.99", 1999), (0.29, 29)):
        body["payment_transaction"]["amount_paid_decimal"] = twin
        assert only(body).data.amount_cents == cents


@pytest.mark.parametrize(
    "attributes",
    [
        {"action": "refund", "amount_in_cents": -1000},
        {"action": "test"},
        {"action": "dispute"},
        {"action": "free_purchase", "amount_in_cents": 0},
        {"amount_in_cents": 0},
        {"state": "failed"},
        {"state": "initialized"},
    ],
)
def test_what_brought_no_money_is_no_purchase(attributes: dict[str, Any]) -> None:
    assert found(changed("payment_succeeded", "transactions", **attributes)).happenings == ()


def test_each_instalment_is_a_purchase_of_its_own() -> None:
    first = changed("payment_succeeded", "transactions", action="subscribe")
    second = changed("payment_succeeded", "transactions", action="subscription_charge", id="90211")
    assert only(first).id != only(second).id


def test_a_payment_dated_in_the_future_is_dated_when_heard() -> None:
    later = (HEARD_AT + timedelta(days=3)).isoformat()
    assert only(changed("payment_succeeded", "transactions", created_at=later)).occurred_at == HEARD_AT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not_json"),
        (b"[]", "not_json"),
        (b"[" * 100_000, "not_json"),
        ({}, "unknown_action"),
        (hook("tag_added", event="contact_created"), "unknown_action"),
        (hook("tag_added", event=["tag_added"]), "unknown_action"),
        (hook("tag_added", payload=[]), "wrong_data"),
        (hook("tag_added", payload={"tag": "Module 1 done"}), "wrong_data"),
        (changed("tag_added", "contact_tags", id=""), "wrong_data"),
        (hook("payment_succeeded", payload=[]), "wrong_data"),
        (changed("payment_succeeded", "transactions", id=None), "wrong_data"),
        (changed("payment_succeeded", "transactions", amount_in_cents="10.00"), "wrong_data"),
        (hook("site_payment_succeeded", payment_transaction={"amount_paid_decimal": "1e999999"}), "wrong_data"),
        (hook("site_payment_succeeded", payment_transaction={"amount_paid_decimal": "10.005"}), "wrong_data"),
        (hook("site_payment_succeeded", payment_transaction={"amount_paid_decimal": "sNaN"}), "wrong_data"),
        (hook("purchase", payload=[]), "no_client"),
        (hook("form_submission", payload=[{"type": "form_submissions", "attributes": {"email": "no"}}]), "no_client"),
    ],
)
def test_a_body_that_says_nothing_usable_is_ignored_with_its_reason(body: Any, reason: str) -> None:
    ignored = read(body)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == reason


def test_no_name_or_address_is_in_what_goes_to_the_events_topic() -> None:
    texts = [repr(found(hook(name)).happenings).lower() for name in HOOKS]
    assert not any(word in text for text in texts for word in ("recipient", "example.com", "555"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["name", "email", "subscribed", "updated_at", "amount_in_cents", "amount_paid_decimal", "state", "action"]
    ),
    JSON_VALUES | st.sampled_from(["ana@example.com", "2025-08-02T10:00:00Z", "10.00", "charge"]),
)
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON_VALUES,
        "type": st.sampled_from(["contacts", "customers", "contact_tags", "transactions", "offers"]) | JSON_VALUES,
        "attributes": ATTRIBUTES | JSON_VALUES,
        "relationships": JSON_VALUES | st.just({"contact": {"data": {"id": 7}}}),
    },
)
EVENTS = st.sampled_from(["tag_added", "tag_removed", "payment_succeeded", "payment.succeeded", "form_submission"])


@given(
    event=EVENTS,
    payload=st.lists(RESOURCES | JSON_VALUES, max_size=4) | ATTRIBUTES,
    rest=st.dictionaries(st.sampled_from(["id", "member", "member_email", "transaction"]), JSON_VALUES | ATTRIBUTES),
)
def test_no_json_crashes_the_translator(event: str, payload: Any, rest: dict[str, Any]) -> None:
    assert isinstance(read({**rest, "event": event, "payload": payload}), Finding | Ignored)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_translator(body: bytes) -> None:
    assert isinstance(read(body), Finding | Ignored)
