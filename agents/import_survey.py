"""What an import would do: a file read from its beginning to its end, and nothing else touched."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agents.import_checkpoint import Progress
from agents.import_format import Format, Look
from schemas.codec import Refused

_EXAMPLES = 20


@dataclass(slots=True, frozen=True, kw_only=True)
class Survey:
    """What stands in a file.

    Attributes:
        types: events by type.
        profiled: whom rows tell something of, beside events.
        clients: whose they are.
        span: when the first and the last happened; empty without events.
        reasons: rejected lines by reason.
        examples: the first rejected lines, with number and refusal.
    """

    types: Counter[str] = field(default_factory=Counter)
    profiled: set[Hashable] = field(default_factory=set)
    clients: set[Hashable] = field(default_factory=set)
    span: list[datetime] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, Refused]] = field(default_factory=list)

    def add(self, look: Look) -> None:
        """Count what a line says."""
        if look.who is not None:
            self.clients.add(look.who)
        for event in look.events:
            self.types[event.type] += 1
            seen = [*self.span, event.occurred_at]
            self.span[:] = min(seen), max(seen)
        if look.has_profile:
            self.profiled.add(look.who)

    def reject(self, number: int, refusal: Refused) -> None:
        """Count a line that would be rejected."""
        self.reasons[refusal.reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((number, refusal))


def survey(path: Path, form: Format, show: Callable[[int], object]) -> Survey:
    """Read a file through; `show` is told how many bytes."""
    found = Survey()
    with path.open("rb") as file:
        for line in form.lines(file, Progress()):
            try:
                found.add(form.look(line))
            except Refused as refusal:
                found.reject(line.number, refusal)
            show(line.end)
    return found
