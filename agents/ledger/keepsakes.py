"""Keepsakes: what the ledger says when somebody opens the address of a certificate, badge or video.

It must never answer from memory: a milestone may be withdrawn and a client erased between two openings.
"""

from dataclasses import dataclass

import msgspec

from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from schemas.client import Profile, kept_profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName

_SQL = load_queries("keepsakes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A part of a celebration that was given.

    Attributes:
        profile: the client; None when no profile has arrived, or the client is erased.
        is_erased: nothing about the client is shown any more.
        is_withdrawn: the milestone was taken back.
    """

    milestone: Milestone
    profile: Profile | None
    is_erased: bool
    is_withdrawn: bool


async def find_keepsake(pool: Pool, *, tenant: str, celebration_id: str, channel: ChannelName) -> Kept | None:
    """The part of that celebration; None when it has no such part, or it was never given."""
    row = await pool.fetchrow(_SQL.keepsake, tenant, celebration_id, channel)
    if row is None:
        return None
    return Kept(
        milestone=msgspec.json.decode(row["record"], type=Milestone),
        profile=kept_profile(row["profile"]) if row["profile"] else None,
        is_erased=row["erased"],
        is_withdrawn=row["withdrawn"],
    )
