"""Profile facts: joins what a tool says about a client to what is known.

The record on `coaching.clients.v1` is a whole profile and the newest wins, so a tool that
knows only a name must not wipe a time zone that another one gave. A fact that is absent or
empty says nothing; a fact that is wrong is left out and spoils no other.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from schemas.client import Profile

_FIELDS = frozenset(Profile.model_fields)
_JOINED = ("consents", "channels")


def joined(known: Profile, facts: Mapping[str, Any]) -> Profile:
    """The known profile with the facts that hold up; equal to `known` when they add nothing.

    Consents and channel wishes are joined kind by kind; every other fact replaces its field.
    """
    profile = known
    for name, value in facts.items():
        if name not in _FIELDS or value in (None, "", (), [], {}):
            continue
        if name == "email" and isinstance(value, str):
            value = value.strip().lower()  # noqa: PLW2901 - one tool writes Ana@, the other ana@: one address
        if getattr(profile, name) != value:  # most hooks repeat what is known: nothing to validate
            profile = _with(profile, name, value)
    return profile


def _with(profile: Profile, name: str, value: Any) -> Profile:
    fields = profile.model_dump(exclude_unset=True)
    if name in _JOINED and isinstance(value, Mapping):
        value = {**fields.get(name, {}), **value}
    try:
        changed = Profile.model_validate({**fields, name: value})
    except ValidationError:
        return profile
    return _with_newest_consents(profile, changed) if name == "consents" else changed


def _with_newest_consents(known: Profile, changed: Profile) -> Profile:
    """What was said last about a kind counts: a tool that repeats an old consent undoes no withdrawal."""
    newest = {
        kind: known.consents[kind] if kind in known.consents and known.consents[kind].at > said.at else said
        for kind, said in changed.consents.items()
    }
    return changed if newest == changed.consents else changed.model_copy(update={"consents": newest})
