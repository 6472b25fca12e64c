"""What the poller needs of a source that is asked, whoever the vendor is."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol


class Poll(Protocol):
    """A source that is asked on a schedule; times are domain time.

    Attributes:
        is_all_there_is: nothing else is heard of the source; False beside its hooks, whose silence it must not hide.
    """

    tenant: str
    source: str
    is_all_there_is: bool

    def due_after(self, now: datetime) -> datetime:
        """When it is due next."""
        ...

    def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        """Ask, admit what was found, and yield the cursor up to which that is so.

        The lease is as good as new after each step, so a long absence is read in steps; a step
        may yield the cursor that was, which only says that the work goes on. `now` is when the
        poll was claimed.

        Raises:
            SourceAway: nothing usable came; the cursor stays where it was last yielded.
        """
        ...
