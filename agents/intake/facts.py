"""Profile facts: joins what a tool says about a client to what is known.

The record on `coaching.clients.v1` is a whole profile and the newest wins, so a tool that
knows only a name must not wipe a time zone that another one gave. A fact that is absent or
empty says nothing; a fact that is wrong is left out and spoils no other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas.client import Consent, Profile

_FIELDS = frozenset(Profile.model_fields)
_JOINED = ("consents", "channels")
_WHERE_MESSAGES_GO = ("email", "phone")
_MAX_TAGS = 64


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


def unvouched(known: Profile, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a word that nobody vouches for may add to a client whom a vouched source knows.

    It fills gaps, but not with an address; it may withdraw, and grants nothing.
    """
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        if name == "consents" and isinstance(value, Mapping):
            kept[name] = {kind: said for kind, said in value.items() if not _grants(said)}
        elif name == "channels" and isinstance(value, Mapping):
            kept[name] = {channel: wanted for channel, wanted in value.items() if wanted is False}
        elif name not in _WHERE_MESSAGES_GO and name not in known.model_dump(exclude_defaults=True):
            kept[name] = value
    return kept


def completed(known: Profile, other: Profile) -> Profile:
    """The known profile of a person, with what only their other profile says.

    Consents are the newest of each kind, of two at one instant the withdrawal; a channel that either profile
    refuses is refused; tags are those of both. The status is the known one's.
    """
    fields = other.model_dump(exclude_defaults=True, exclude={"status"}) | known.model_dump(exclude_defaults=True)
    consents = {**other.consents}
    for kind, said in known.consents.items():
        consents[kind] = max((said, consents[kind]), key=_counts) if kind in consents else said
    refused = [channel for one in (known, other) for channel, wanted in one.channels.items() if not wanted]
    channels = other.channels | known.channels | dict.fromkeys(refused, False)
    tags = dict.fromkeys((*known.tags, *other.tags))
    joint = {"consents": consents, "channels": channels, "tags": tuple(tags)[:_MAX_TAGS]}
    return Profile.model_validate(fields | {name: value for name, value in joint.items() if value})


def _counts(said: Consent) -> tuple[datetime, bool]:
    """Orders what was said about one kind: the last word counts, of two at once the withdrawal."""
    return said.at, not said.granted


def _grants(said: Any) -> bool:
    """Whether a consent as a tool gives it is more than a withdrawal."""
    return not (isinstance(said, Mapping) and said.get("granted") is False)


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
