"""Figures: a name, a number, what it must reach and what we aim at; as a table for people, as JSON for programs.

`build/bench.json` is one flat object, a name and a value per figure; the unit ends the name. What a figure must reach
stands beside it under `NAME_must`, what is aimed at under `NAME_aim`. A figure that was not measured is absent, and a
required one that is absent counts as missed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What a figure must reach: at least, or less than, a limit; `aim` is the same for what we aim at."""

    name: str
    meaning: str
    at_least: float | None = None
    below: float | None = None
    aim: float | None = None

    def is_met(self, figures: Mapping[str, float]) -> bool:
        """Whether the figure was measured and keeps to its limit."""
        return self._is_within(figures, self.must)

    def is_aim_met(self, figures: Mapping[str, float]) -> bool:
        """Whether the figure was measured and is as good as we aim at."""
        return self.aim is not None and self._is_within(figures, self.aim)

    @property
    def must(self) -> float:
        """The limit, whichever kind it is of."""
        limit = self.below if self.at_least is None else self.at_least
        assert limit is not None, f"{self.name} has no limit"
        return limit

    @property
    def sign(self) -> str:
        """How the figure stands to its limit."""
        return "<" if self.at_least is None else ">="

    def _is_within(self, figures: Mapping[str, float], limit: float) -> bool:
        value = figures.get(self.name)
        if value is None:
            return False
        return value < limit if self.at_least is None else value >= limit


def _ratio(peer: str, meaning: str, must: float, aim: float) -> Required:
    name = f"cairn_to_{peer}_ratio"
    return Required(name=name, meaning=f"events/s, the tracker exactly once / {meaning}", at_least=must, aim=aim)


_FEW = 10
_CROWD = "clients_1000000"
REQUIRED = (
    _ratio("faust", "Faust as its manual shows it, at_least_once", 20, 50),
    _ratio("quix", "Quix Streams exactly-once", 1.5, 3),
    _ratio("streams_rocksdb", "Kafka Streams exactly_once_v2, RocksDB", 0.6, 1.2),
    _ratio("streams_memory", "Kafka Streams exactly_once_v2, in memory", 0.5, 1),
    _ratio("bare_loop", "a bare loop: fetch, decode, write in a transaction", 0.4, 0.7),
    Required(name="replay_seconds_per_million", meaning="cairn replay of 1,000,000 events on one core, s", below=30),
    Required(name="state_bytes_typical", meaning="state of a typical client, bytes", below=600),
    Required(name="milestone_p50_ms", meaning="event appended to committed milestone read, p50, ms", below=25, aim=12),
    Required(name="milestone_p99_ms", meaning="event appended to committed milestone read, p99, ms", below=120, aim=60),
    Required(name="in_app_p99_ms", meaning="event appended to in-app message readable, p99, ms", below=1_000),
    Required(name="half_load_p99_ms", meaning="the same milestone at half of capacity, p99, ms", below=250, aim=120),
    Required(name="crowd_cpu_ratio", meaning="CPU per event with 1,000,000 clients / with 10,000", below=1.8, aim=1.3),
    Required(name=f"{_CROWD}_peak_mb", meaning="resident memory with 1,000,000 clients, MB", below=1_500, aim=1_000),
    Required(
        name=f"{_CROWD}_restore_records_per_second",
        meaning="restore of a changelog, records/s",
        at_least=200_000,
        aim=300_000,
    ),
    Required(name="rules_cpu_ratio", meaning="CPU per event with 50 rules / with 6", below=2.0, aim=1.2),
    Required(
        name="planned_per_second", meaning="milestones planned into Postgres/s, one process", at_least=2_000, aim=4_000
    ),
    Required(name="in_app_per_second", meaning="in-app messages/s, one process", at_least=2_000, aim=5_000),
    Required(name="emails_per_second", meaning="mails/s, one process", at_least=300, aim=600),
    Required(name="hooks_per_second", meaning="signed hooks taken by Kafka/s, one process", at_least=990),
    Required(name="hooks_p99_ms", meaning="hook due to its 202 at 1,000/s, p99, ms", below=100),
    Required(name="hook_to_in_app_p99_ms", meaning="hook due to in-app message readable, p99, ms", below=1_500),
)


def missed(figures: Mapping[str, float], required: Iterable[Required] = REQUIRED) -> tuple[str, ...]:
    """The names of the required figures that were not met."""
    return tuple(one.name for one in required if not one.is_met(figures))


def table(figures: Mapping[str, float], required: Iterable[Required] = REQUIRED) -> Table:
    """What was measured, what it must reach, what is aimed at, and whether that is so."""
    rows = Table(title="Required", title_justify="left")
    for heading in ("figure", "measured", "must", "aim", "met"):
        rows.add_column(heading, justify="left" if heading == "figure" else "right")
    for one in required:
        value = figures.get(one.name)
        measured = "not measured" if value is None else f"{value:,.2f}" if value < _FEW else f"{value:,.1f}"
        aim = "" if one.aim is None else f"{one.sign} {one.aim:g}"
        met = "[green]aim" if one.is_aim_met(figures) else "[green]yes" if one.is_met(figures) else "[red]no"
        rows.add_row(one.meaning, measured, f"{one.sign} {one.must:g}", aim, met)
    return rows


def read(path: Path) -> dict[str, float]:
    """The figures that were written last; none if there are none."""
    found: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    return found


def write(figures: Mapping[str, float], path: Path, required: Sequence[Required] = REQUIRED) -> None:
    """Write the figures as JSON, in place of those of the last run, and beside each what is required of it."""
    limits = {f"{one.name}_must": one.must for one in required}
    aims = {f"{one.name}_aim": one.aim for one in required if one.aim is not None}
    found = {name: round(value, 3) for name, value in figures.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found | limits | aims, indent=2) + "\n")
