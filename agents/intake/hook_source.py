"""What the HTTP side needs of a source that sends hooks, whoever the vendor is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from agents.intake.finding import Finding, Ignored


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

    def asks(self, body: bytes, heard_at: datetime) -> bool:
        """Whether the tool is asked to read this signed body, which takes seconds while it does not answer."""
        ...

    def unasked(self, body: bytes, heard_at: datetime) -> tuple[Finding, ...]:
        """Of a body for which the tool has to be asked, what it says beside."""
        ...

    async def read(self, headers: Mapping[str, str], body: bytes, heard_at: datetime) -> tuple[Finding | Ignored, ...]:
        """What a signed body says, one thing after the other; the names in `headers` are in lower case.

        Raises:
            SourceAway: the tool had to be asked and does not answer.
            asyncpg.PostgresError, OSError: the database had to be asked and is away.
        """
        ...
