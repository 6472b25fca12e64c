"""Findings: what a translator reads in a tool's words, before anybody knows the client's id.

A finding must never reach a topic as it is: it names people by address and by the tool's own
ids. `agents.intake.admission` exchanges these for the client's pseudonymous id and splits a
finding into a profile record (contact data, `coaching.clients.v1`) and events (none).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

REASONS = frozenset(
    {
        "no_client",  # nothing says whom it is about
        "contact_data",  # a field of the event holds an address, which belongs to the profile
        "unknown_action",  # a kind of hook that this source does not translate
        "wrong_appointment",  # an appointment without the fields that decide
        "source_gone",  # the tool no longer knows the object that its hook named
        "translator_failed",  # ours to mend
        "source_silent",  # the tool could not be asked, or the hook not read, for as long as we try
        "not_confirmed",  # the tool was asked, and does not say what its unsigned hook claims
    }
)
"""Why a source's word becomes no event, beside the reasons of `schemas.refusal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """How a tool knows a client: by its own id, by e-mail address, or both.

    Attributes:
        is_vouched: the word is the tool's own: it is signed, or we asked the tool. Without, whoever knows a secret
            path may have written it: `agents.intake.identity` and `facts.unvouched` say what it may not do.
    """

    external_id: str | None = None
    email: str | None = None
    is_vouched: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened, all but the client.

    Attributes:
        id: derived from the source's own ids, so that a retry is the same event.
        unique_within: `client` when the id says enough only beside the client's.
        data: the struct that `EVENT_DATA` names for `type`, or a flat dict for a free type.
    """

    id: str
    type: str
    occurred_at: datetime
    data: Any
    unique_within: Literal["source", "client"] = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a source said about one person.

    Attributes:
        facts: fields of `schemas.client.Profile` as the tool gives them, not yet validated.
    """

    person: Person
    facts: Mapping[str, Any]
    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A verified message that yields nothing; the reason is a metric label."""

    reason: str
    detail: str
