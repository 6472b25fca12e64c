"""The report: a table for people, `build/chaos.json` for programs, and what it comes to."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from tests.chaos.outcome import Outcome, joined
from tests.chaos.progress import Course

AFTERWARDS = "afterwards"
"""The row under which everything is judged once more."""

_HEADINGS = ("row", "faults", "events", "milestones", "missing", "twice", "wrong", "mails", "unknown", "back s", "kept")


def table(outcomes: Iterable[Outcome], title: str) -> Table:
    """A line for each row."""
    rows = Table(title=title, title_justify="left")
    for heading in _HEADINGS:
        rows.add_column(heading, justify="left" if heading in {"row", "kept"} else "right", no_wrap=heading == "row")
    for one in outcomes:
        rows.add_row(*cells(one), "[green]yes" if one.is_good else f"[red]{one.objections or 'not measured'}")
    return rows


def cells(one: Outcome) -> tuple[str, ...]:
    """What stands in a row's line, but for the last cell."""
    found = one.verdict
    if found is None:
        return one.row, str(one.faults), *("" for _ in _HEADINGS[3:])
    twice = found.duplicated + found.celebrated_twice + found.mailed_twice
    wrong = found.wrong + found.wrong_states + found.wrong_dead_letters
    wrong += found.mailed_erased + found.wrong_deliveries + found.wrong_unknown
    counts = (found.events, found.found, found.missing, twice, wrong, found.mails)
    unknown = f"{found.unknown} of {found.injected_unknown}" if found.unknown or found.injected_unknown else "0"
    return one.row, str(one.faults), *(f"{count:,}" for count in counts), unknown, seconds_of(one.backs)


def seconds_of(backs: Sequence[float]) -> str:
    """Median and worst."""
    return f"{median(backs):.1f} / {max(backs):.1f}" if backs else ""


def write(course: Course, outcomes: Sequence[Outcome], peer: Outcome | None, path: Path) -> None:
    """Write everything as JSON, in place of the last run."""
    found: dict[str, Any] = {
        "seed": course.seed,
        "events_per_second": course.events_per_second,
        "long": course.long,
        "cores": os.cpu_count(),
        "rows": [each.as_json() for each in joined(list(outcomes))],
        "peer": peer.as_json() if peer else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
