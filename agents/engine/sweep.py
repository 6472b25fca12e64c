"""One pass over the states of a partition, in search of those that older rules have left.

Must never decide what outdated means, nor hold the loop for more than a few milliseconds.

Theory of operation: the keys are listed once; those that come later are folded by rules that are at least as new. A
call looks at encoded states until it has found as many as it may return, or its slice of time is over, and the next
one goes on from there. Nothing is remembered beyond the process: a pass begun anew finds only what is still outdated.
"""

from time import monotonic
from typing import Any, Generic

from agents.engine.logic import Logic, R, Rules
from agents.engine.store import PartitionStates

_SLICE_SECONDS = 0.002
_KEYS_BETWEEN_CLOCKS = 64


class Sweep(Generic[R]):
    """A pass.

    Args:
        states: The committed states; may change between calls.
        logic: Tells what is outdated.
        rules: The snapshot that states are compared with.
    """

    def __init__(self, states: PartitionStates, logic: Logic[Any, R], rules: Rules[R]) -> None:
        self.rules = rules
        self._states = states
        self._logic = logic
        self._keys = tuple(states.values)
        self._next = 0

    @property
    def done(self) -> bool:
        """Whether every key has been looked at."""
        return self._next >= len(self._keys)

    def find(self, limit: int) -> list[bytes]:
        """Return up to `limit` outdated keys; none means that the slice of time held none, not that there are none.

        Whoever fails to renew them has to begin a new pass.
        """
        values, head, rules = self._states.values, self._states.header.size, self.rules.value
        found: list[bytes] = []
        ends_at = monotonic() + _SLICE_SECONDS
        while not self.done and len(found) < limit and monotonic() < ends_at:
            chunk = self._keys[self._next : self._next + min(_KEYS_BETWEEN_CLOCKS, limit - len(found))]
            self._next += len(chunk)
            for key in chunk:
                value = values.get(key)
                if value is not None and self._logic.is_outdated(key, value[head:], rules):
                    found.append(key)
        return found
