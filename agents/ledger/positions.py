"""Positions: where delivery stands in each Kafka partition, kept beside what it has done.

Postgres alone holds the position; it moves in the transaction that holds the results, or not
at all. It must never move for an owner whose epoch is old.
"""

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries

_SQL = load_queries("positions")


class StaleEpoch(Exception):
    """Another process has claimed the partition since; this one may not write for it any more."""


class WrongPosition(Exception):
    """The batch does not begin where the last one ended; `expected_offset` is where to read on."""

    def __init__(self, expected_offset: int) -> None:
        super().__init__(f"the next offset is {expected_offset}")
        self.expected_offset = expected_offset


async def claim_position(pool: Pool, topic: str, partition: int) -> tuple[int, int]:
    """Take a partition over.

    Returns:
        The epoch to present from now on, and the next offset (0 at first).
    """
    row = await pool.fetchrow(_SQL.claim_position, topic, partition)
    if row is None:
        raise LookupError("an upsert returned no row")
    return row["epoch"], row["next_offset"]


async def lock_position(connection: Connection, topic: str, partition: int, epoch: int, start: int) -> None:
    """Hold the position until the transaction ends, and check that a batch at `start` is next.

    A partition of which nothing was applied yet begins wherever its log begins.

    Raises:
        StaleEpoch: the partition has another owner.
        WrongPosition: the batch begins elsewhere.
    """
    row = await connection.fetchrow(_SQL.lock_position, topic, partition)
    if row is None or row["epoch"] != epoch:
        raise StaleEpoch(f"{topic}/{partition} was claimed by another process")
    if row["next_offset"] not in {start, 0}:
        raise WrongPosition(row["next_offset"])


async def hold_position(connection: Connection, topic: str, partition: int) -> None:
    """Keep the partition's owner from applying anything until the transaction ends; moves nothing."""
    await connection.execute(_SQL.lock_position, topic, partition)


async def advance_position(connection: Connection, topic: str, partition: int, next_offset: int) -> None:
    """Move the position, in the transaction that holds the results."""
    await connection.execute(_SQL.advance_position, topic, partition, next_offset)
