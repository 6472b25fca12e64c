"""What an import would do: a file read from its beginning to its end, and nothing else touched."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agents.import_lines import LinePreparer
from agents.numbered_lines import read_lines
from schemas.codec import Refused
from schemas.event import Event

_EXAMPLES = 20


@dataclass(slots=True, frozen=True, kw_only=True)
class Survey:
    """What stands in a file.

    Attributes:
        types: events by type.
        clients: whose they are.
        span: when the first and the last happened; empty without events.
        reasons: rejected lines by reason.
        examples: the first rejected lines, with number and refusal.
    """

    types: Counter[str] = field(default_factory=Counter)
    clients: set[str] = field(default_factory=set)
    span: list[datetime] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, Refused]] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Count an event."""
        self.types[event.type] += 1
        self.clients.add(event.client)
        seen = [*self.span, event.occurred_at]
        self.span[:] = min(seen), max(seen)

    def reject(self, number: int, refusal: Refused) -> None:
        """Count a line that would be rejected."""
        self.reasons[refusal.reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((number, refusal))


def survey(path: Path, preparer: LinePreparer, show: Callable[[int], object]) -> Survey:
    """Read a file through; `show` is told how many bytes."""
    found = Survey()
    with path.open("rb") as file:
        for line in read_lines(file):
            if not line.content.isspace():
                try:
                    found.add(preparer.prepare(line.content).event)
                except Refused as refusal:
                    found.reject(line.number, refusal)
            show(line.end)
    return found
