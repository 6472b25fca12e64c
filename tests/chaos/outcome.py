"""An outcome: what became of one part of a row, and its form in JSON."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row, or of a part of a long one.

    Attributes:
        row: its name.
        part: which of its parts, from 1.
        verdict: what the checker found; None if it could not be measured.
        faults: how often something was done to the service.
        backs: seconds from each fault to the first commit after it.
        late: of those, how many were more than the row allows.
        complaints: what went otherwise than expected, in words.
        seconds: how long it took.
        events_per_second: what was acknowledged while the load ran.
        machine_load: the machine's load average of the last five minutes at its end, everybody's work included.
    """

    row: str
    part: int = 1
    verdict: Verdict | None = None
    faults: int = 0
    backs: tuple[float, ...] = ()
    late: int = 0
    complaints: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    events_per_second: float = 0.0
    machine_load: float = 0.0

    @property
    def key(self) -> str:
        """Name and part."""
        return f"{self.row}/{self.part}"

    @property
    def is_measured(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict is not None

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict is not None and not (self.verdict.breaches or self.late or self.complaints)

    @property
    def objections(self) -> str:
        """What is against it, in words; empty when it is good."""
        breaches = self.verdict.breaches if self.verdict else {}
        parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in breaches.items()]
        return "; ".join([*parts, *([f"{self.late} back late"] if self.late else []), *self.complaints])

    def as_json(self) -> dict[str, Any]:
        """Every field, flat."""
        return {
            "row": self.row,
            "part": self.part,
            "is_measured": self.is_measured,
            "is_good": self.is_good,
            "faults": self.faults,
            "late": self.late,
            "backs": [round(back, 2) for back in self.backs],
            "complaints": list(self.complaints),
            "examples": list(self.verdict.examples) if self.verdict else [],
            "seconds": round(self.seconds, 1),
            "events_per_second": round(self.events_per_second),
            "machine_load": round(self.machine_load, 1),
            **(self.verdict.numbers if self.verdict else {}),
        }


def read(found: dict[str, Any]) -> Outcome:
    """The outcome that `as_json` wrote."""
    verdict = Verdict(
        examples=tuple(found["examples"]), **{name: found[name] for name in Verdict().numbers if name in found}
    )
    return Outcome(
        row=found["row"],
        part=found["part"],
        verdict=verdict if found["is_measured"] else None,
        faults=found["faults"],
        backs=tuple(found["backs"]),
        late=found["late"],
        complaints=tuple(found["complaints"]),
        seconds=found["seconds"],
        events_per_second=found["events_per_second"],
        machine_load=found["machine_load"],
    )


def joined(outcomes: list[Outcome]) -> list[Outcome]:
    """One outcome a row: the parts of a long one added up."""
    rows: dict[str, Outcome] = {}
    for each in outcomes:
        rows[each.row] = _sum(rows[each.row], each) if each.row in rows else each
    return list(rows.values())


def total(verdicts: list[Verdict]) -> Verdict:
    """The sum of all numbers."""
    return Verdict(**{name: sum(each.numbers[name] for each in verdicts) for name in Verdict().numbers})


def _sum(one: Outcome, other: Outcome) -> Outcome:
    both = [each for each in (one.verdict, other.verdict) if each]
    return replace(
        one,
        verdict=total(both) if len(both) == 2 else None,
        faults=one.faults + other.faults,
        backs=(*one.backs, *other.backs),
        late=one.late + other.late,
        complaints=(*one.complaints, *other.complaints),
        seconds=one.seconds + other.seconds,
        machine_load=max(one.machine_load, other.machine_load),
        events_per_second=(one.events_per_second * one.seconds + other.events_per_second * other.seconds)
        / max(one.seconds + other.seconds, 1.0),
    )
