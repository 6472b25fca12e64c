"""Profiles: checked when they come, and not once more when the ledger gives them back."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.networks import validate_email

from schemas.client import Profile, kept_profile


def test_what_the_ledger_keeps_is_read_as_it_was_checked() -> None:
    heard = Profile.model_validate({"name": "Ana", "email": "Ana@EXAMPLE.org", "birthday": "02-29", "tags": ["vip"]})
    assert heard.email == "Ana@example.org"
    assert kept_profile(heard.model_dump_json(exclude_defaults=True)) == heard


def test_only_the_address_of_a_kept_profile_is_taken_on_trust() -> None:
    with pytest.raises(ValidationError, match="email"):
        Profile.model_validate_json('{"email": "nobody"}')
    assert kept_profile('{"email": "nobody"}').email == "nobody"
    with pytest.raises(ValidationError, match="timezone"):
        kept_profile('{"timezone": "Mars/Base"}')


_PARTS = st.sampled_from(
    ["a", "z9", "0", "-", "--", ".", "..", "_", "+", "'", "@", "A", "ü", "\n", " ", "xn--", "x" * 31, "y" * 64]
)
_ENDS = st.sampled_from(
    [".org", ".io", ".c", ".test", ".local", ".arpa", ".onion", ".invalid", ".localhost", ".0", "", "."]
)


@given(
    st.builds(
        lambda local, domain, end: f"{''.join(local)}@{''.join(domain)}{end}",
        st.lists(_PARTS, max_size=4),
        st.lists(_PARTS, max_size=4),
        _ENDS,
    )
)
@example("ana.berger+run@mail-1.example.org")
@example("ana@example.test")
@example(f"{'x' * 65}@example.org")
@example("ana@example.org\n")
def test_an_address_taken_at_a_glance_is_what_a_closer_look_would_make_of_it(address: str) -> None:
    try:
        looked_at = validate_email(address)[1]
    except ValueError:
        with pytest.raises(ValidationError, match="email"):
            Profile(email=address)
    else:
        assert Profile(email=address).email == looked_at


def test_what_is_no_text_is_no_address() -> None:
    with pytest.raises(ValidationError, match="email"):
        Profile.model_validate({"email": 7})
