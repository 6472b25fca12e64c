"""What the HTTP side needs of a source that sends hooks, whoever the vendor is."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from agents.intake.finding import Finding, Ignored

Place = Callable[[], AbstractContextManager[None]]
"""Held while a tool is asked, which takes seconds while it does not answer; raises `SourceBusy` where there is none."""


class HookSource(Protocol):
    """A source of hooks; `kind` is a metric label, `name` is the tenant's own word for it."""

    @property
    def kind(self) -> str:
        """What sort of source it is."""
        ...

    @property
    def name(self) -> str:
        """The source's name within its tenant."""
        ...

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the raw body is the vendor's; never raises, whatever the headers hold."""
        ...

    async def read(
        self, headers: Mapping[str, str], body: bytes, heard_at: datetime, asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """What a signed body says, one thing after the other; the names in `headers` are in lower case.

        Raises:
            SourceAway: the tool had to be asked and does not answer, or `asking` has no place; what the hook says about
                which nobody has to be asked is `beside`.
            asyncpg.PostgresError, OSError: the database had to be asked and is away.
        """
        ...
