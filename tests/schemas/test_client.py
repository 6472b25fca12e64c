"""Profiles: checked when they come, and not once more when the ledger gives them back."""

import pytest
from pydantic import ValidationError

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
