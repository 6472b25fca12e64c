"""When each key of a partition falls due, earliest first.

Must never be asked what the truth is: the stored state carries the deadline, the heap only points at keys to look at.

Theory of operation: a heap of (deadline, key). A moved deadline pushes a second entry and the first becomes stale; a
stale entry is recognised when it surfaces, because the state says otherwise. When stale entries outnumber live ones
the heap is rebuilt, so its size stays proportional to the number of keys with a deadline.
"""

from collections.abc import Callable, Collection
from heapq import heapify, heappop, heappush

_SLACK = 1_000


class Deadlines:
    """The due times of one partition.

    Args:
        current: Returns the deadline that a key's stored state carries, or a negative number for none.
    """

    __slots__ = ("_current", "_heap", "_live")

    def __init__(self, current: Callable[[bytes], int]) -> None:
        self._current = current
        self._heap: list[tuple[int, bytes]] = []
        self._live = 0

    def moved(self, key: bytes, before_ms: int, after_ms: int) -> None:
        """Note that the deadline of `key` changed; negative means none."""
        self._live += (after_ms >= 0) - (before_ms >= 0)
        if after_ms >= 0 and after_ms != before_ms:
            heappush(self._heap, (after_ms, key))
            if len(self._heap) > 2 * self._live + _SLACK:
                self._rebuild()

    def load(self, entries: list[tuple[int, bytes]]) -> None:
        """Start over from the deadlines of a restored partition."""
        self._heap = entries
        self._live = len(entries)
        heapify(self._heap)

    def next_ms(self) -> int | None:
        """Return the earliest deadline, or None."""
        heap = self._heap
        while heap and self._current(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """Return up to `limit` keys whose deadline is at or before `now_ms`, earliest first.

        They stay due until their state says otherwise: an uncommitted tick is asked for again.
        """
        taken: dict[bytes, int] = {}
        while len(taken) < limit:
            due_ms = self.next_ms()
            if due_ms is None or due_ms > now_ms:
                break
            _, key = heappop(self._heap)
            taken[key] = due_ms
        for key, due_ms in taken.items():
            heappush(self._heap, (due_ms, key))
        return list(taken)

    def park(self, keys: Collection[bytes]) -> None:
        """Ask for these keys no more, until their deadline has moved or the partition is restored."""
        self._heap = [entry for entry in self._heap if entry[1] not in keys]
        heapify(self._heap)

    def __len__(self) -> int:
        return self._live

    def _rebuild(self) -> None:
        live = {key: due_ms for due_ms, key in self._heap if self._current(key) == due_ms}
        self._heap = [(due_ms, key) for key, due_ms in live.items()]
        heapify(self._heap)
