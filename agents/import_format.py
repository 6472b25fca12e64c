"""What an import needs to know of a file's format: its lines, and what becomes of some of them."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

from agents.import_checkpoint import Progress
from agents.publishing import Publisher
from schemas.event import Event
from schemas.refusal import Refused


class Line(Protocol):
    """A line, or a row of several lines, with its place."""

    @property
    def number(self) -> int:
        """Its first line's."""
        ...

    @property
    def last_number(self) -> int:
        """Its last line's."""
        ...

    @property
    def content(self) -> bytes:
        """As it stands in the file."""
        ...

    @property
    def end(self) -> int:
        """The offset after it."""
        ...


class Look(NamedTuple):
    """What a line would become.

    Attributes:
        who: tells clients apart; nothing for an empty line.
    """

    who: Hashable
    events: Sequence[Event]
    has_profile: bool = False


class Taken(NamedTuple):
    """What became of some lines; all of it is acknowledged."""

    events: int
    profiles: int
    refused: list[tuple[Line, Refused]]


class Format(Protocol):
    """Reads a file of one format for one import."""

    @property
    def tenant(self) -> str:
        """Whose history it is."""
        ...

    @property
    def live(self) -> bool:
        """Whether milestones of it are celebrated."""
        ...

    @property
    def mapping(self) -> str:
        """The digest of what a table's columns mean; empty for JSON Lines."""
        ...

    @property
    def records_a_line(self) -> int:
        """How many events a line holds, at most."""
        ...

    def lines(self, file: BinaryIO, progress: Progress) -> Iterator[Any]:
        """The lines from where an import is."""
        ...

    def look(self, line: Any) -> Look:
        """What a line says, with nothing done.

        Raises:
            Refused: with why it cannot be taken in.
        """
        ...

    async def take(self, lines: Sequence[Any], publisher: Publisher) -> Taken:
        """Publish what lines say; those that cannot be taken in come back with the reason."""
        ...
