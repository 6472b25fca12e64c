"""Accounts: what stands to a client's account beyond the last days, read once for a batch.

Each question is answered by an index, so that a long past costs nothing; only one of which nothing ever went, as of a
client who was always in the shadow, is looked through. While the batch is
planned its own celebrations are added, so that two of one client never say the same words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from agents.ledger.clients import ClientKey
from agents.ledger.money import Taken, taken
from agents.ledger.pool import Connection
from agents.ledger.queries import load_queries
from agents.ledger.referrals import last_asked
from schemas.celebration import Celebration
from schemas.milestone import RETRACTED, Milestone
from streams.planning.account import Account, first_phrase

_SQL = load_queries("celebrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of a batch's clients, as they are now and as the batch goes on."""

    phrases: dict[tuple[str, str, str], int] = field(default_factory=dict)
    known: set[ClientKey] = field(default_factory=set)
    had_streak: set[ClientKey] = field(default_factory=set)
    earlier: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[ClientKey, Taken] = field(default_factory=dict)
    referred: dict[ClientKey, datetime] = field(default_factory=dict)

    def of(self, milestone: Milestone) -> Account:
        """The account to plan this milestone with."""
        key = milestone.tenant, milestone.client
        last = self.phrases.get((*key, milestone.tier))
        return Account(
            phrase=first_phrase(milestone.client, milestone.tier) if last is None else last + 1,
            earlier=self.earlier.get(milestone.milestone_id, 0),
            is_first=key not in self.known,
            is_first_streak=key not in self.had_streak,
            spent_cents=self.spent[key].client_cents if key in self.spent else 0,
            tenant_spent_cents=self.spent[key].tenant_cents if key in self.spent else 0,
            referral_asked_at=self.referred.get(key),
        )

    def add(self, celebration: Celebration) -> None:
        """Count a celebration that was planned just now, if any of it goes."""
        if celebration.outcome not in ("send", "hold"):
            return
        key = celebration.tenant, celebration.client
        self.known.add(key)
        self.phrases[*key, celebration.tier] = celebration.phrase
        if any(part.channel == "referral" and part.state == "pending" for part in celebration.deliveries):
            self.referred[key] = celebration.due_at
        if celebration.tier == "streak":
            self.had_streak.add(key)


async def read_accounts(
    connection: Connection,
    milestones: Sequence[Milestone],
    *,
    rewarded: Sequence[Milestone],
    gifted: Sequence[Milestone],
    month: date,
) -> Accounts:
    """The accounts of these milestones' clients.

    Args:
        connection: inside the transaction that plans.
        milestones: what is planned.
        rewarded: those whose gift grows each time.
        gifted: those that a gift may answer.
        month: whose money counts, by its first day.
    """
    keys = sorted({(one.tenant, one.client) for one in milestones})
    given = sorted({(one.tenant, one.client) for one in gifted})
    asked = sorted({(one.tenant, one.client, one.tier) for one in milestones})
    rows = await connection.fetch(_SQL.accounts, *([row[at] for row in asked] for at in range(3)))
    return Accounts(
        phrases={
            (row["tenant"], row["client"], row["tier"]): row["phrase"] for row in rows if row["phrase"] is not None
        },
        known={(row["tenant"], row["client"]) for row in rows if row["is_known"]},
        had_streak={(row["tenant"], row["client"]) for row in rows if row["had_streak"]},
        earlier=await _earlier(connection, rewarded) if rewarded else {},
        spent=await taken(connection, given, month) if given else {},
        referred=await last_asked(connection, keys),
    )


async def _earlier(connection: Connection, rewarded: Sequence[Milestone]) -> dict[str, int]:
    """How often each was reached before: as the ledger has it, and in the batch itself, in their order of time."""
    asked = sorted(
        (one for one in rewarded if one.type != RETRACTED), key=lambda one: (one.reached_at, one.milestone_id)
    )
    columns = (
        [one.milestone_id for one in asked],
        [one.tenant for one in asked],
        [one.client for one in asked],
        [one.rule for one in asked],
        [one.reached_at for one in asked],
    )
    before = {row["milestone_id"]: row["times"] for row in await connection.fetch(_SQL.earlier, *columns)}
    in_batch: Counter[tuple[str, str, str]] = Counter()
    for one in asked:
        whose = one.tenant, one.client, one.rule
        before[one.milestone_id] += in_batch[whose]
        in_batch[whose] += 1
    return before
