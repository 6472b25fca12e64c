"""Gives the partitions of this process their turns to sweep, one at a time.

Must never hold up a batch for longer than one turn takes: a bounded look at states, and at most one transaction.

Theory of operation: after a partition was taken, and whenever the rules have changed, its states are swept. A turn is
given to an idle pipe that has taken everything up to the ends read after the clock, as a tick is: the time that it runs
at is then that of no unread record, and a backlog is read before anything is decided for clients who sent nothing. A
batch that arrives goes first, and the pipe waits for its next turn. Partitions take turns because they share one loop:
all at once they would hold up each other's batches.
"""

from collections.abc import Callable, Mapping
from typing import Any

from agents.engine.pipe import Pipe


class Turns:
    """The order in which pipes sweep.

    Args:
        app: The Faust application.
        domain_now: The wall clock in domain milliseconds.
    """

    def __init__(self, app: Any, domain_now: Callable[[], int]) -> None:
        self._app = app
        self._domain_now = domain_now

    async def look(self) -> None:
        """Give turns until no pipe that waits for one could take it; may take as long as the sweeps do.

        Raises:
            BrokerAwayError: The broker does not tell where topics end.
        """
        while waiting := self._waiting():
            now_ms = self._domain_now()
            ends = await self._app.cluster.source_ends(waiting)
            taken = [await pipe.sweep(now_ms, ends[number]) for number, pipe in waiting.items()]
            if not any(taken):
                return

    def _waiting(self) -> Mapping[int, Pipe]:
        return {number: pipe for number, pipe in self._app.ownership.pipes.items() if pipe.wants_turn}
