from agents.intake.facts import completed, joined, unvouched
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


def given(hour: int, *, granted: bool) -> dict[str, object]:
    return {"granted": granted, "source": "crm", "at": f"2026-05-08T{hour:02}:00:00Z"}


def test_a_word_without_a_voucher_fills_gaps_but_names_no_address() -> None:
    facts = {"name": "Eve", "email": "eve@example.com", "phone": "+43123456789", "locale": "de", "tags": ["course"]}
    assert unvouched(KNOWN, facts) == {"locale": "de", "tags": ["course"]}


def test_a_word_without_a_voucher_may_withdraw_and_grants_nothing() -> None:
    consents = {"marketing": given(9, granted=True), "story": given(9, granted=False), "service": "yes"}
    kept = unvouched(KNOWN, {"consents": consents, "channels": {"sms": False, "email": True}})
    assert kept == {"consents": {"story": consents["story"]}, "channels": {"sms": False}}


def test_another_profile_of_the_person_adds_what_is_not_known() -> None:
    other = Profile.model_validate({"name": "A. Berger", "locale": "de", "tags": ["b"], "status": "left"})
    both = completed(KNOWN.model_copy(update={"tags": ("a",)}), other)
    assert both == KNOWN.model_copy(update={"tags": ("a", "b"), "locale": "de"})


def test_of_two_profiles_the_last_word_about_a_consent_counts_and_at_once_the_withdrawal() -> None:
    one = joined(KNOWN, {"consents": {"marketing": given(9, granted=True), "story": given(9, granted=True)}})
    other = joined(KNOWN, {"consents": {"marketing": given(9, granted=False), "story": given(8, granted=False)}})
    for both in (completed(one, other), completed(other, one)):
        assert {kind: said.granted for kind, said in both.consents.items()} == {"marketing": False, "story": True}


def test_a_channel_that_either_profile_refuses_is_refused() -> None:
    one, other = joined(KNOWN, {"channels": {"sms": True}}), joined(KNOWN, {"channels": {"sms": False, "email": True}})
    assert completed(one, other).channels == {"sms": False, "email": True}
