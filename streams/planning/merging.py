"""Merging: what a client reaches at once is told in one message.

It must never merge a major away, nor wait for company. What is planned in one batch, and what
still waits unclaimed from before, comes together under the heaviest of them; of equals the
earliest leads. A nudge is no news to tell beside a win: it neither leads nor follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from schemas.celebration import WHOLE, Celebration, Decision, Delivery
from schemas.milestone import Milestone, Tier
from streams.planning.answer import KEEPSAKES, MESSAGES

_NO_TIME: Final = frozenset({"cap_reached", "quiet_hours", "expired"})
_RANK: Final[dict[Tier, int]] = {"micro": 0, "streak": 1, "program": 2, "major": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A celebration of which the client has not heard yet.

    Attributes:
        waits: its own messages wait unclaimed; False when they never went, so that it can only follow.
    """

    celebration_id: str
    tier: Tier
    milestone: Milestone
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message for several celebrations.

    Attributes:
        lead: the celebration whose message goes.
        followers: those that it tells of too, the earliest milestone first.
    """

    lead: str
    followers: tuple[str, ...]


def together(planned: Sequence[Celebration], untold: Sequence[Untold]) -> Told | None:
    """How one client's celebrations come together; None when each goes by itself.

    Args:
        planned: just now, in the order of their milestones.
        untold: from before, the earliest first.
    """
    ranks = {one.celebration_id: _RANK[one.tier] for one in untold if one.waits}
    ranks.update((one.celebration_id, _RANK[one.tier]) for one in planned if can_merge(one))
    if not ranks:
        return None
    lead = max(ranks, key=lambda name: ranks[name])  # of equals the first, which is the earliest
    late = [one.celebration_id for one in untold if not one.waits and _carries_late(planned, lead)]
    late += [one.celebration_id for one in planned if is_beyond(one)]
    followers = [*late, *(name for name in ranks if name != lead and ranks[name] < _RANK["major"])]
    return Told(lead=lead, followers=tuple(followers)) if followers else None


def can_merge(celebration: Celebration) -> bool:
    """Whether its words go by themselves, so that they may as well go with others'."""
    messages = [part for part in celebration.deliveries if part.channel in MESSAGES]
    return (
        celebration.tier in _RANK
        and celebration.mode == "live"
        and any(part.state == "pending" for part in messages)
        and all(part.state != "held" for part in messages)
    )


def is_beyond(celebration: Celebration) -> bool:
    """Whether there is no time left for its own words: a cap, or a night that outlasts it."""
    messages = [part for part in celebration.deliveries if part.channel in MESSAGES]
    return (
        celebration.tier in _RANK
        and celebration.tier != "major"
        and any(part.reason in _NO_TIME for part in messages)
        and all(part.state == "skipped" for part in messages)
    )


def _carries_late(planned: Sequence[Celebration], lead: str) -> bool:
    """What was missed is told in the next mail; a line in the app is no place for it."""
    mails = (part for one in planned if one.celebration_id == lead for part in one.deliveries)
    return any(part.channel == "email" and part.state == "pending" for part in mails)


def merged(celebration: Celebration, lead: str) -> Celebration:
    """The celebration whose words go with another's; what is not words goes as it was planned."""
    parts = {part.channel for part in celebration.deliveries if _is_told(part)}
    kept = tuple(one for one in celebration.decisions if one.part not in parts)
    about: tuple[str, ...] = tuple(sorted(parts)) or (WHOLE,)
    told = tuple(Decision(part=one, outcome="merge", reason="merged", detail=lead) for one in about)
    return replace(
        celebration,
        outcome="merged",
        merged_into=lead,
        decisions=(*kept, *told),
        deliveries=tuple(
            replace(part, state="skipped", reason="merged") if _is_told(part) else part
            for part in celebration.deliveries
        ),
    )


def _is_told(part: Delivery) -> bool:
    return part.channel in MESSAGES | KEEPSAKES and part.state == "pending"
