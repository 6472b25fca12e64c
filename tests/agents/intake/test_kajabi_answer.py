"""A tag's change that a Kajabi hook claims is believed as far as Kajabi's own answer goes."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.kajabi_answer import claims_completion, contact_to_ask, denial
from agents.intake.kajabi_hook import Hook, read_hook
from schemas.tenant import KajabiSource

FIXTURES = Path(__file__).parent / "fixtures"
HOOKS: dict[str, Any] = json.loads((FIXTURES / "kajabi_hooks.json").read_text())
CONTACT: dict[str, Any] = json.loads((FIXTURES / "kajabi_contact.json").read_text())
GRADUATE = {"type": "program.completed", "id": "launch"}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def source(**tags: dict[str, Any]) -> KajabiSource:
    return KajabiSource.model_validate(
        {"kind": "kajabi", "name": "kajabi", "tags": tags or {"Module 1 done": GRADUATE, "78": GRADUATE | {"id": "x"}}}
    )


def hook(name: str = "tag_added", *, tag: dict[str, Any] | None = None, **contact: Any) -> Hook:
    """A tag's hook; `id` is the contact's own, the rest its attributes."""
    body = deepcopy(HOOKS[name])
    person, label = body["payload"]
    person["id"] = contact.pop("id", person["id"])
    person["attributes"].update(contact)
    label["id"] = (tag or {}).get("id", label["id"])
    label["attributes"]["name"] = (tag or {}).get("name", label["attributes"]["name"])
    found = read_hook(json.dumps(body).encode())
    assert isinstance(found, Hook)
    return found


def contact(*tags: tuple[str, str], **attributes: Any) -> dict[str, Any]:
    """The contact as Kajabi shows it, with these tags by id and name."""
    shown = deepcopy(CONTACT)
    shown["data"]["id"] = attributes.pop("id", shown["data"]["id"])
    shown["data"]["attributes"].update(attributes)
    shown["included"] = [{"id": id_, "type": "contact_tags", "attributes": {"name": name}} for id_, name in tags]
    return shown


DONE, NEWS = ("77", "Module 1 done"), ("79", "Newsletter")


@pytest.mark.parametrize(
    ("meaning", "is_claim"),
    [
        ({"type": "goal.completed", "id": "g"}, True),
        ({"type": "course.completed", "id": "c"}, True),
        ({"type": "program.completed", "id": "p"}, True),
        ({"type": "course.progressed", "id": "c", "percent": 100}, True),
        ({"type": "course.progressed", "id": "c", "percent": 75}, False),
        ({"type": "program.enrolled", "id": "p"}, False),
    ],
)
@pytest.mark.parametrize("name", ["tag_added", "tag_removed"])
def test_a_tag_is_asked_about_where_it_stands_for_a_completion(
    name: str, meaning: dict[str, Any], is_claim: bool
) -> None:
    assert claims_completion(source(**{"Module 1 done": meaning}), hook(name)) is is_claim
    assert not claims_completion(source(Another=meaning), hook(name))


@pytest.mark.parametrize(
    ("id_", "asked"),
    [("8801", "8801"), ("c_8-1", "c_8-1"), ("..", None), ("1/relationships/tags", None), ("1?x=1", None), (None, None)],
)
def test_only_what_can_be_an_id_becomes_part_of_an_address(id_: str | None, asked: str | None) -> None:
    assert contact_to_ask(hook(id=id_)) == asked


def test_a_customers_number_is_no_contact() -> None:
    body = deepcopy(HOOKS["payment_succeeded"])
    (customer,) = (one for one in body["payload"] if one["type"] == "customers")
    del customer["relationships"]["contact"]
    said = read_hook(json.dumps(body).encode())
    assert isinstance(said, Hook)
    assert (said.contact.id, contact_to_ask(said)) == (f"customer:{customer['id']}", None)


def test_a_tag_that_the_contact_has_is_confirmed_and_its_removal_is_not() -> None:
    assert denial(source(), hook("tag_added"), CONTACT) is None
    refused = denial(source(), hook("tag_removed"), CONTACT)
    assert refused is not None
    assert (refused.reason, refused.detail) == ("not_confirmed", "the contact still has the tag at Kajabi")


def test_a_tag_that_the_contact_has_no_more_is_confirmed_as_removed_and_not_as_added() -> None:
    assert denial(source(), hook("tag_removed"), contact(NEWS)) is None
    assert denial(source(), hook("tag_added"), contact(NEWS)) is not None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        contact(DONE, id="1"),
        contact(DONE, email="somebody@example.com"),
        contact(DONE, email=None),
        contact(),
        contact(("76", "Module 1 done")),
        contact(("77", "Renamed")),
        contact(DONE, updated_at="2025-07-31T16:50:00Z"),
    ],
)
def test_what_the_answer_does_not_say_is_not_confirmed(answer: dict[str, Any] | None) -> None:
    refused = denial(source(), hook("tag_added"), answer)
    assert refused is not None
    assert refused.reason == "not_confirmed"


def test_a_tag_is_what_kajabi_calls_it_and_not_what_the_hook_does() -> None:
    has_news = contact(NEWS)
    assert denial(source(), hook(tag={"id": "79", "name": "Module 1 done"}), has_news) is not None
    assert denial(source(), hook("tag_removed", tag={"id": "1", "name": "Module 1 done"}), CONTACT) is not None


def test_a_tag_that_is_mapped_by_its_id_may_be_called_anything() -> None:
    by_id = hook(tag={"id": "78", "name": "Then"})
    assert denial(source(), by_id, contact(("78", "Now"))) is None


def test_an_address_is_compared_without_regard_to_case_and_where_the_hook_names_one() -> None:
    assert denial(source(), hook(), contact(DONE, email="SAMPLE@example.com")) is None
    assert denial(source(), hook(email=None), contact(DONE, email=None)) is None


@pytest.mark.parametrize("updated_at", ["2025-07-31T16:51:04Z", None, "soon"])
def test_a_time_without_milliseconds_or_none_at_all_denies_nothing(updated_at: str | None) -> None:
    assert denial(source(), hook(), contact(DONE, updated_at=updated_at)) is None


@given(
    st.dictionaries(st.sampled_from(["data", "included", "x"]), VALUES),
    st.dictionaries(st.sampled_from(["id", "attributes", "type"]), VALUES),
    st.lists(VALUES | st.dictionaries(st.sampled_from(["id", "type", "attributes"]), VALUES), max_size=3),
)
def test_no_answer_raises_or_confirms_by_chance(
    whole: dict[str, Any], data: dict[str, Any], included: list[Any]
) -> None:
    for answer in (whole, {"data": data, "included": included}, {**CONTACT, "included": included}):
        refused = denial(source(), hook("tag_added"), answer)
        assert refused is not None
        assert "@" not in refused.detail
