"""Account: what the ledger knows of a client beyond the last days, as far as planning asks.

Every part of it is found by an index, so that a client of ten thousand celebrations costs no
more than one of ten.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What stands to a client's account when a milestone is planned.

    Attributes:
        phrase: the next of the tier's phrasings.
        earlier: how often the client has reached the rule before.
        is_first: no message has ever left.
        is_first_streak: no streak was ever celebrated.
        spent_cents: given or reserved for the client in this month.
        tenant_spent_cents: given or reserved for all of the tenant's clients in this month.
        referral_asked_at: when the client was last asked for a referral.
    """

    phrase: int = 0
    earlier: int = 0
    is_first: bool = False
    is_first_streak: bool = False
    spent_cents: int = 0
    tenant_spent_cents: int = 0
    referral_asked_at: datetime | None = None


def first_phrase(client: str, tier: str) -> int:
    """Where a client's phrasings of a tier begin: not with everybody's first, and always the same."""
    return blake2b(f"{client}/{tier}".encode(), digest_size=1).digest()[0]
