"""Heard milestones: what a batch of records says, the newest word on each milestone, and when each was first heard.

It must never let a milestone become younger: a correction, or reading the topic a second time, changes nothing of when
it was first heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from agents.bookkeeper import refused
from agents.engine.logic import Record
from agents.ledger.parked import Refusal
from agents.tenants import Tenant
from schemas.milestone import RETRACTED, Milestone, Tier
from schemas.milestone_codec import decode_milestone, heard_ms
from schemas.refusal import Refused
from schemas.topics import client_key

_WEIGHT: Final[dict[Tier, int]] = {"major": 0, "program": 1, "streak": 2, "micro": 3, "nudge": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A milestone, in real time.

    Attributes:
        heard_at: when the event that caused it was heard.
        first_heard_at: likewise, of its earliest revision in the batch.
        tracked_at: when its record was written.
    """

    milestone: Milestone
    heard_at: datetime
    first_heard_at: datetime
    tracked_at: datetime


def decode(record: Record, tenants: Mapping[str, Tenant]) -> Heard | Refusal:
    """The milestone of a record, or why it is none that can be used."""
    try:
        milestone = decode_milestone((), record.value)
        if record.key != client_key(milestone.tenant, milestone.client):
            raise Refused("wrong_key", "the key is not the milestone's tenant/client")  # noqa: TRY301 - refused like any other fault
        if milestone.tenant not in tenants:
            raise Refused("unknown_tenant", "no folder of this name is among the tenants")  # noqa: TRY301 - as above
    except Refused as error:
        return refused(record, error.reason, error.detail)
    heard_at = _instant(heard_ms(record.headers) or record.timestamp)
    tracked_at = _instant(record.timestamp)
    return Heard(milestone=milestone, heard_at=heard_at, first_heard_at=heard_at, tracked_at=tracked_at)


def newest(all_heard: Sequence[Heard]) -> tuple[Heard, ...]:
    """Of each milestone the newest word: what is withdrawn first, then the heaviest, in the order of the records."""
    found: dict[str, Heard] = {}
    for heard in all_heard:
        name = heard.milestone.milestone_id
        known = found.get(name, heard)
        latest = heard if age(heard.milestone) > age(known.milestone) else known
        found[name] = replace(latest, first_heard_at=min(known.first_heard_at, heard.first_heard_at))
    return tuple(sorted(found.values(), key=_turn_of))


def age(milestone: Milestone) -> tuple[int, bool]:
    """Orders what is said about one milestone: a retraction comes after the revision it withdraws."""
    return milestone.revision, milestone.type == RETRACTED


def _turn_of(heard: Heard) -> tuple[bool, int]:
    return heard.milestone.type != RETRACTED, _WEIGHT[heard.milestone.tier]


def _instant(real_ms: int) -> datetime:
    return datetime.fromtimestamp(real_ms / 1000, tz=UTC)
