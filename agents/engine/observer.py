"""What the engine tells whoever watches it: one plain call per batch, never one per record.

Must never slow the engine down or fail: an observer counts and returns. Values that can be sampled are not told here
but read from `Status` when somebody asks.
"""

from collections.abc import Mapping


class Observer:
    """Watches nothing; the calls stand in the order in which a batch meets them."""

    def rebalanced(self, partitions: int) -> None:
        """The group gave this process that many partitions; they are not owned yet."""

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """The changelog of a partition was read."""

    def folded(self, topic: str, records: int, replayed: int, refused: Mapping[str, int], seconds: float) -> None:
        """A batch was folded in memory; `refused` counts dead letters by reason."""

    def sent(self, partition: int) -> None:
        """Every record of the transaction has been acknowledged; the commit is next."""

    def committed(
        self, partition: int, records: int, outputs: Mapping[str, int], seconds: float, oldest_ms: int | None = None
    ) -> None:
        """The transaction is committed.

        Args:
            partition: The partition number.
            records: How many source records it stands for.
            outputs: How many records were written, by topic.
            seconds: What the round trips took.
            oldest_ms: The append time of the oldest record; None when time alone was the cause.
        """

    def ticked(self, partition: int, keys: int) -> None:
        """That many keys had fallen due."""

    def swept(self, partition: int, keys: int) -> None:
        """That many keys whose states older rules had left were brought up to the rules."""

    def parked(self, partition: int, keys: int) -> None:
        """For that many keys time could do nothing: something raised, and their states stay as they are."""

    def reread(self, topic: str, partition: int) -> None:
        """Fetched batches were lost on their way, and are fetched again."""

    def tripped(self, partition: int) -> None:
        """Too many refusals: the partition pauses."""

    def waiting_for_rules(self, partition: int) -> None:
        """The rules at hand are older than those the partition has used."""

    def retried(self, reason: str) -> None:
        """The broker failed us; partitions are taken again from the last commit."""
