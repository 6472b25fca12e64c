"""A batch of records and the exact range of offsets it stands for.

Must never let a range be guessed from the records: control records, aborted and compacted ones leave no trace among
them, and a batch that was dropped on its way leaves none either.

Theory of operation: the fetch position before and after a chunk was taken is the range `[start, end)`. A reader that
knows where it stands compares: a start at or below its position fits (what it has already seen is dropped record by
record), a start above it is a hole, and the reader asks for the missing part instead of going on.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from operator import attrgetter

from agents.engine.logic import Record

_OFFSET = attrgetter("offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one partition, in order, standing for every offset in `[start, end)`."""

    topic: str
    partition: int
    start: int
    end: int
    records: Sequence[Record]


class Misfit(Enum):
    """Why a batch cannot be taken as it is."""

    HOLE = auto()
    OLD = auto()


def fit(batch: Batch, position: int) -> Batch | Misfit:
    """Return the part of `batch` that a reader at `position` has not seen, widened to start there.

    Args:
        batch: What arrived.
        position: The first offset that the reader has not seen.
    """
    if batch.start > position:
        return Misfit.HOLE
    if batch.end <= position:
        return Misfit.OLD
    if batch.start == position:
        return batch
    seen = bisect_left(batch.records, position, key=_OFFSET)
    return replace(batch, start=position, records=batch.records[seen:])
