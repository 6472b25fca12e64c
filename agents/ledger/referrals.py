"""Referrals: which clients were asked to recommend the practice, when, and how often that was opened.

It must never lead from a code to a client once the client is erased: a code is drawn at random, the same one
for each time that a client is asked, and stands beside the client in one table, from which erasure takes it.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from agents.ledger.clients import ClientKey
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries

_SQL = load_queries("keepsakes")
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # without those that are mistaken for others
_CODE_CHARS: Final = 10


async def record_asked(
    connection: Connection, *, tenant: str, client: str, celebration_id: str, asked_at: datetime
) -> None:
    """The client is asked; twice for one celebration is once.

    Must be called in the transaction that sends it, under the client's lock. `asked_at` is domain time, from which
    the cool-down runs.
    """
    await connection.execute(_SQL.record_asked, tenant, client, celebration_id, new_code(), asked_at)


def new_code() -> str:
    """A code for a client who has none yet."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_CHARS))


async def last_asked(connection: Connection, keys: Sequence[ClientKey]) -> dict[ClientKey, datetime]:
    """When each of these clients was last asked, in domain time; those who never were are not in it."""
    columns = [tenant for tenant, _ in keys], [client for _, client in keys]
    rows = await connection.fetch(_SQL.last_asked, *columns)
    return {(row["tenant"], row["client"]): row["asked_at"] for row in rows}


async def referral_code(pool: Pool, *, tenant: str, celebration_id: str, is_click: bool) -> str | None:
    """The code that stands for the client; None when nobody was asked. A click is counted."""
    question = _SQL.count_click if is_click else _SQL.referral_code
    code: str | None = await pool.fetchval(question, tenant, celebration_id)
    return code
