"""When to stop setting records aside: too many refusals among the last records mean the source is broken, not a record.

Must never forget over a restart: its window is part of the partition's reserved record.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Counts refusals among the last `window` records of a partition.

    Args:
        window: How many records back it looks.
        limit: How many refusals among them are still borne.
        seen: Records counted so far in this partition.
        refused: Their ordinals, oldest first, those of the window alone.
    """

    window: int = 1_000
    limit: int = 100
    seen: int = 0
    refused: tuple[int, ...] = ()

    def passed(self, records: int) -> "Breaker":
        """Return the breaker after that many records that were not refused."""
        return replace(self, seen=self.seen + records)

    def refuse(self) -> "Breaker | None":
        """Return the breaker after one more refusal, or None when that is one too many."""
        seen = self.seen + 1
        refused = (*(ordinal for ordinal in self.refused if ordinal > seen - self.window), seen)
        return None if len(refused) > self.limit else replace(self, seen=seen, refused=refused)
