"""The audit: walks every chain of sealed decisions again, and says where the first one breaks.

It must never trust what the database computes: every hash is made anew from the rows, by
`schemas.decision_seal`. It sees what was changed, deleted, put in or put in another order behind
the back of the triggers. It cannot see a chain whose end was cut off together with its head, nor
one that was made anew from its beginning: for that, heads that were noted elsewhere are compared.

Theory of operation: one snapshot for the whole walk, so that what is decided meanwhile is no
break; a page of batches at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.decision_seal import HASH_BYTES, Recorded, decision_hash, detail_seal, first_digest, next_digest

_SQL = load_queries("audit")
_PAGE_BATCHES: Final = 200
_SLOW_SECONDS: Final = 3_600
_FIELDS = tuple(Recorded.__dataclass_fields__)

Row = dict[str, Any]
Progress = Callable[[int, int], None]
"""Told how many decisions of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain stands: how many batches it has, and its digest in hex."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first place at which what is recorded does not hold.

    Attributes:
        chain: None when the decision is in none.
        sequence: the batch in the chain; None when it has none.
        decision_id: None when it is about a batch as a whole.
        what: what differs, as a sentence.
    """

    chain: int | None
    sequence: int | None
    decision_id: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a walk found.

    Attributes:
        decisions: how many were made anew.
        heads: of every chain, to be noted elsewhere; only worth noting without a break.
    """

    decisions: int
    batches: int
    broken: Break | None
    heads: Mapping[int, Head]


class _Broken(Exception):
    def __init__(self, found: Break) -> None:
        super().__init__(found.what)
        self.found = found


async def verify(
    pool: Pool,
    *,
    tenant: str | None = None,
    noted: Mapping[int, Head] | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Audit:
    """Walk all chains.

    Args:
        pool: the ledger.
        tenant: only this tenant's decisions are made anew; the chains are walked whole.
        noted: heads of an earlier audit that each chain must have gone through.
        progress: told how many decisions of how many are done.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        walk = _Walk(connection, tenant, noted or {}, progress)
        try:
            await walk.all()
        except _Broken as broken:
            return walk.result(broken.found)
        return walk.result(None)


class _Walk:
    """One walk inside one snapshot."""

    def __init__(
        self,
        connection: Connection,
        tenant: str | None,
        noted: Mapping[int, Head],
        progress: Callable[[int, int], None],
    ) -> None:
        self._connection, self._tenant, self._noted, self._progress = connection, tenant, noted, progress
        self._done = self._made_anew = self._batches = self._all = 0
        self._heads: dict[int, Head] = {}

    def result(self, broken: Break | None) -> Audit:
        return Audit(decisions=self._made_anew, batches=self._batches, broken=broken, heads=self._heads)

    async def all(self) -> None:
        self._all = await self._connection.fetchval(_SQL.count_decisions)
        for head in await self._connection.fetch(_SQL.heads):
            await self._chain(head)
        if left := await self._connection.fetchrow(_SQL.unchained):
            first = left["decisions"][0] if left["decisions"] else None
            raise _broken(
                left["chain"], None, first, "a batch of decisions was never chained, or was taken out of its chain"
            )
        extra = await self._connection.fetchval(_SQL.unsealed, timeout=_SLOW_SECONDS)
        if extra is not None:
            raise _broken(None, None, extra, "the decision was put in without a seal, or its seal was taken out")

    async def _chain(self, head: asyncpg.Record) -> None:
        chain, sequence, digest = head["chain"], 0, first_digest(head["chain"])
        while page := await self._connection.fetch(_SQL.batches, chain, sequence, _PAGE_BATCHES):
            rows = await self._rows(page)
            for batch in page:
                sequence += 1
                if batch["sequence"] != sequence:
                    raise _broken(chain, sequence, None, f"batch {sequence} is missing: next comes {batch['sequence']}")
                self._batch(chain, batch, rows)
                digest = next_digest(digest, sequence, batch["hashes"])
                if digest != batch["digest"]:
                    raise _broken(
                        chain, sequence, None, "the batch was changed or stands in another place: its digest differs"
                    )
                self._compare(chain, sequence, digest)
            self._progress(self._done, self._all)
        if (head["sequence"], head["digest"]) != (sequence, digest):
            what = f"the chain ends at batch {sequence} and its head says {head['sequence']}: its end was cut off"
            raise _broken(chain, sequence, None, what)
        self._heads[chain] = Head(sequence=sequence, digest=digest.hex())
        if (noted := self._noted.get(chain)) and noted.sequence > sequence:
            what = f"the chain ends at batch {sequence}, and went to {noted.sequence} when its head was noted"
            raise _broken(chain, sequence, None, what)

    async def _rows(self, page: list[asyncpg.Record]) -> dict[int, Row]:
        ids = [number for batch in page for number in batch["decisions"]]
        return {row["decision_id"]: dict(row) for row in await self._connection.fetch(_SQL.recorded, ids)}

    def _batch(self, chain: int, batch: asyncpg.Record, rows: Mapping[int, Row]) -> None:
        hashes = batch["hashes"]
        parts = [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
        for number, seal, expected in zip(batch["decisions"], batch["seals"], parts, strict=True):
            row = rows.get(number)
            what = "the decision was deleted" if row is None else self._difference(row, seal, expected)
            if what:
                raise _broken(chain, batch["sequence"], number, what)
        self._batches += 1
        self._done += len(parts)

    def _difference(self, row: Row, seal: bytes | None, expected: bytes) -> str | None:
        if self._tenant is not None and row["tenant"] != self._tenant:
            return None
        self._made_anew += 1
        detail, salt = row["detail"], row["salt"]
        if salt is None and not row["erased"]:
            return "the detail and its salt were taken, and the client is not erased"
        if salt is None and detail is not None:
            return "a detail was put in after erasure"
        if salt is not None and detail_seal(salt, detail) != seal:
            return "the detail, its salt or its seal was changed"
        if decision_hash(Recorded(**{name: row[name] for name in _FIELDS}), seal) != expected:
            return "the decision was changed: what it says no longer gives its hash"
        return None

    def _compare(self, chain: int, sequence: int, digest: bytes) -> None:
        noted = self._noted.get(chain)
        if noted and noted.sequence == sequence and noted.digest != digest.hex():
            raise _broken(chain, sequence, None, "the chain was made anew: the head that was noted here differs")


def _broken(chain: int | None, sequence: int | None, decision_id: int | None, what: str) -> _Broken:
    return _Broken(Break(chain=chain, sequence=sequence, decision_id=decision_id, what=what))
