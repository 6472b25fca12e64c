"""Milestones: what a client reached, on `coaching.milestones.v1`, and their identity.

Subscribers key on (`milestone_id`, `revision`), handle `milestone.retracted` and ignore
fields that they do not know: v1 only gains optional ones.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Literal

from msgspec import Struct

REACHED: Final = "milestone.reached"
RETRACTED: Final = "milestone.retracted"

MilestoneType = Literal["milestone.reached", "milestone.retracted"]
Tier = Literal["micro", "streak", "program", "major", "nudge"]
RuleKind = Literal["count", "streak", "percent", "sum", "value", "date", "lapse"]


class Milestone(Struct, frozen=True, kw_only=True):
    """One milestone as the core decides it and as it travels.

    Attributes:
        type: whether it was reached or is withdrawn.
        tenant: the platform's tenant.
        client: the client's pseudonymous id.
        milestone_id: 128-bit hash in hex, see `milestone_id`.
        revision: 1 at first; a withdrawn milestone that is reached again gets the next.
        rule: the rule's id.
        kind: what sort of rule it was; templates are chosen by it.
        name: what people call it, as in "30-Day Iron Streak".
        tier: the weight of the answer.
        threshold: the number crossed; None for dates and lapses.
        occurrence: `per` value, first day, year or date, joined by `/`; `once` if none applies.
        value: the number reached, at least the threshold.
        reached_at: the crossing event's time, for an inferred session its end; when withdrawn,
            the time of the event that withdrew it.
        rulebook: digest of the rulebook that decided.
        moment: planning celebrates one a client, moment and program.
        caused_by: the id of the event, None when time alone caused it.
        facts: what the message will need.
    """

    type: MilestoneType
    tenant: str
    client: str
    milestone_id: str
    revision: int
    rule: str
    kind: RuleKind
    name: str
    tier: Tier
    threshold: int | float | None
    occurrence: str
    value: int | float
    reached_at: datetime
    rulebook: str
    moment: str | None = None
    caused_by: str | None = None
    facts: dict[str, Any] = {}


def milestone_id(*, tenant: str, client: str, rule: str, threshold: float | None, occurrence: str) -> str:
    """The identity of a milestone: the same crossing has the same id, whoever computes it.

    Returns:
        32 hex characters: BLAKE2b-128 over the length-prefixed parts and nothing else.
    """
    digest = blake2b(digest_size=16)
    threshold_text = "" if threshold is None else _plain(threshold)
    for part in (tenant, client, rule, threshold_text, occurrence):
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return digest.hexdigest()


def _plain(number: float) -> str:
    """The shortest exact text: 36 and 36.0 are one threshold, 1234567 and 1234568 are two."""
    return str(int(number)) if number == int(number) else repr(number)
