"""The seal of decisions: how the database hashes them, said once more so that nobody has to trust it.

A decision's hash is over the words that stay, each behind its length in bytes, and over the seal
of its detail: a hash with a salt, so that when erasure takes both, nothing can be guessed from
what is left, and all that is left can still be checked. A chain's digest is over the digest
before, the sequence number and the hashes of one batch. The same stands in SQL in
`schemas/sql/versions/0013_audit.sql`; a test holds the two together.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision as the ledger holds it, without its detail."""

    decision_id: int
    milestone_id: str
    revision: int
    tenant: str
    client: str
    part: str
    outcome: str
    reason: str
    decided_at: datetime
    created_at: datetime


def detail_seal(salt: bytes, detail: str | None) -> bytes | None:
    """What hides a detail; None where there is none."""
    return None if detail is None else sha256(salt + detail.encode()).digest()


def decision_hash(decision: Recorded, seal: bytes | None) -> bytes:
    """32 bytes that change with any word of the decision."""
    words = (
        str(decision.decision_id),
        decision.milestone_id,
        str(decision.revision),
        decision.tenant,
        decision.client,
        decision.part,
        decision.outcome,
        decision.reason,
        _microseconds(decision.decided_at),
        _microseconds(decision.created_at),
    )
    framed = b"".join(b"%d:%b" % (len(raw), raw) for raw in (word.encode() for word in words))
    return sha256(framed + (seal or b"")).digest()


def first_digest(chain: int) -> bytes:
    """What a chain begins with."""
    return sha256(f"cairn decisions {chain}".encode()).digest()


def next_digest(previous: bytes, sequence: int, hashes: bytes) -> bytes:
    """The digest of a chain after one more batch.

    Args:
        previous: the digest before.
        sequence: the batch's number in the chain, from 1.
        hashes: those of its decisions, one after the other.
    """
    return sha256(previous + sequence.to_bytes(8, "big") + hashes).digest()


def _microseconds(at: datetime) -> str:
    return str((at - _EPOCH) // _MICROSECOND)
