"""The committed states of the partitions this process owns, behind Faust's table.

Must never change before the transaction that carries the change has committed, and never by assignment through the
table: `changed` is called by the pipe after its commit, `restored` by the restore, and nothing else writes.

Theory of operation: one dict of key to stored bytes (header and body) per partition, dropped whole with the partition.
Values stay encoded, so ten thousand clients are ten thousand small byte strings and the collector has nothing to walk.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from faust.stores.base import Store
from faust.types import TP

from agents.engine.bookmark import Bookmark
from agents.engine.deadlines import Deadlines
from agents.engine.header import NEVER, Header


class PartitionStates:
    """The states of one partition.

    Args:
        header: The codec of the values' heads.
    """

    __slots__ = ("bookmark", "bytes", "changelog_offset", "deadlines", "header", "values")

    def __init__(self, header: Header) -> None:
        self.header = header
        self.values: dict[bytes, bytes] = {}
        self.deadlines = Deadlines(self.deadline)
        self.bookmark: Bookmark | None = None
        self.changelog_offset = 0
        self.bytes = 0

    def deadline(self, key: bytes) -> int:
        """Return the deadline in the stored state of `key`, or `NEVER`."""
        value = self.values.get(key)
        return NEVER if value is None else self.header.deadline(value)

    def changed(self, changes: Mapping[bytes, bytes | None], bookmark: Bookmark, changelog_offset: int) -> None:
        """Take over what a transaction has committed; a value of None removes the key."""
        for key, value in changes.items():
            before = self.deadline(key)
            self._put(key, value)
            self.deadlines.moved(key, before, NEVER if value is None else self.header.deadline(value))
        self.bookmark = bookmark
        self.changelog_offset = changelog_offset

    def restored(self, changes: Mapping[bytes, Any], bookmark: Bookmark | None) -> None:
        """Take over what the changelog says, None for a key that is gone; `settle` completes it."""
        gone = [key for key, value in changes.items() if value is None]
        self.values.update(changes)
        for key in gone:
            del self.values[key]
        self.bookmark = bookmark or self.bookmark

    def settle(self, changelog_offset: int) -> None:
        """Finish a restore that read up to `changelog_offset`."""
        self.changelog_offset = changelog_offset
        self.bytes = sum(map(len, self.values.values()))
        self.deadlines.load(self.header.deadlines(self.values))

    def _put(self, key: bytes, value: bytes | None) -> None:
        before = self.values.pop(key, None) if value is None else self.values.get(key)
        if value is not None:
            self.values[key] = value
        self.bytes += len(value or b"") - len(before or b"")


class StateStore(Store[bytes, bytes]):
    """Faust's view of the states: a read-only mapping over all partitions owned."""

    partitions: dict[int, PartitionStates]

    def __post_init__(self) -> None:
        """Begin with no partition; called by Faust's service constructor."""
        self.partitions = {}

    def __getitem__(self, key: bytes) -> bytes:
        for states in self.partitions.values():
            if key in states.values:
                return states.values[key]
        raise KeyError(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise TypeError("states change by a committed transaction only")

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("states change by a committed transaction only")

    def __iter__(self) -> Iterator[bytes]:
        for states in self.partitions.values():
            yield from states.values

    def __len__(self) -> int:
        return sum(len(states.values) for states in self.partitions.values())

    def clear(self) -> None:
        """Forget nothing: partitions are dropped by their owner."""
        raise TypeError("states are dropped with their partition only")

    def persisted_offset(self, tp: TP) -> int | None:  # noqa: ARG002 - Faust's signature
        """Return None: nothing outlives the process but the changelog."""
        return None

    def reset_state(self) -> None:
        """Do nothing: there are no local files."""

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        """Drop changelog records that Faust's own recovery hands on: the restore has read them already."""

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """Do nothing: the changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """Do nothing: the changelog is the backup."""
