from agents.intake.facts import joined
from schemas.client import Profile

KNOWN = Profile.model_validate({"name": "Ana", "email": "ana@example.com", "timezone": "Europe/Vienna"})


def test_a_tool_that_knows_only_a_name_wipes_nothing() -> None:
    assert joined(KNOWN, {"name": "Ana B.", "email": None, "timezone": ""}) == KNOWN.model_copy(
        update={"name": "Ana B."}
    )


def test_facts_that_add_nothing_leave_the_profile_equal() -> None:
    assert joined(KNOWN, {"name": "Ana", "timezone": "Europe/Vienna"}) == KNOWN


def test_a_wrong_fact_is_left_out_and_spoils_no_other() -> None:
    profile = joined(KNOWN, {"timezone": "Mars/Olympus", "email": "nobody", "name": "Ana\n", "locale": "de"})
    assert profile == KNOWN.model_copy(update={"locale": "de"})


def test_a_field_that_a_profile_does_not_have_is_left_out() -> None:
    assert joined(KNOWN, {"favourite_colour": "red", "id": "7"}) == KNOWN


def test_consents_are_joined_kind_by_kind() -> None:
    given = {"granted": True, "source": "crm", "at": "2026-05-08T10:00:00Z"}
    first = joined(KNOWN, {"consents": {"marketing": given}})
    both = joined(first, {"consents": {"story": given}})
    assert set(both.consents) == {"marketing", "story"}


def test_an_unset_field_is_not_written_down() -> None:
    assert joined(Profile(), {"name": "Ana"}).model_dump(exclude_unset=True) == {"name": "Ana"}


def test_an_older_consent_undoes_no_later_one() -> None:
    withdrawn = {"granted": False, "source": "page", "at": "2026-05-08T10:00:00Z"}
    old, new = ({"granted": True, "source": "crm", "at": f"2026-05-0{day}T10:00:00Z"} for day in (7, 9))
    known = joined(KNOWN, {"consents": {"marketing": withdrawn}})
    assert joined(known, {"consents": {"marketing": old}}) == known
    both = joined(known, {"consents": {"marketing": old, "story": old}})
    assert {kind: one.granted for kind, one in both.consents.items()} == {"marketing": False, "story": True}
    assert joined(known, {"consents": {"marketing": new}}).consents["marketing"].granted
