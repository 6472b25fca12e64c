"""The tables of a state for people: what each is called, its columns, and the words of a row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from agents.rule_sentences import amount, figure

Row = Mapping[str, Any]
Tell = Callable[[datetime], str]
"""How an instant is written."""


class Form(NamedTuple):
    """A table: its title, the heads of its columns, and a row's cells, empty for what there is not."""

    title: str
    heads: tuple[str, ...]
    cells: Callable[[Row, Tell], tuple[str, ...]]


def _count(row: Row, _tell: Tell) -> tuple[str, ...]:
    return row["counter"], row.get("per", ""), figure(row["count"])


def _sum(row: Row, _tell: Tell) -> tuple[str, ...]:
    return _measured(row), row.get("per", ""), amount(row["amount"], row["of"])


def _mark(row: Row, _tell: Tell) -> tuple[str, ...]:
    return row["counter"], row.get("per", ""), f"{figure(row['percent'])} %"


def _value(row: Row, tell: Tell) -> tuple[str, ...]:
    def told(number: float) -> str:
        return amount(number, row["of"] or "")

    verb = {"falling": "fell", "rising": "rose", None: "from"}[row["watched_for"]]
    moved = "; ".join(f"{verb} {told(span['from'])} to {told(span['to'])}" for span in row["moved"])
    latest = "" if row["latest"] is None else told(row["latest"])
    measured = "" if row["measured_at"] is None else tell(row["measured_at"])
    return _measured(row), row.get("per", ""), latest, measured, moved, ", ".join(map(told, row["crossed"]))


def _pause(row: Row, _tell: Tell) -> tuple[str, ...]:
    return row["habit"] or "all habits", row["from"], row["until"] or "open, to the next check"


def _lapse(row: Row, tell: Tell) -> tuple[str, ...]:
    run = f"{row['days']} days, {row['first_day']} to {row['last_day']}"
    return row["rule"], row["habit"] or "any habit", run, tell(row["due_at"]), _silence(row)


def _award(row: Row, _tell: Tell) -> tuple[str, ...]:
    standing = [row["standing"], *(["silent"] if row["silent"] else [])]
    standing += [f"revision {row['revision']}"] if row["revision"] > 1 else []
    run = "" if row["first_day"] is None else f"{row['days']} from {row['first_day']}"
    held_by = row.get("held_by")
    run += "" if held_by is None else f", then {held_by['days']} from {held_by['first_day']}"
    return row["rule"], row["threshold"] or "", row["per"] or "", ", ".join(standing), run


def _settling(row: Row, tell: Tell) -> tuple[str, ...]:
    threshold = "" if row["threshold"] is None else figure(row["threshold"])
    occurrence = "" if row["occurrence"] == "once" else row["occurrence"]
    return row["rule"], threshold, occurrence, tell(row["due_at"]), _silence(row)


def _booking(row: Row, tell: Tell) -> tuple[str, ...]:
    ends, counts = tell(row["ends_at"]), tell(row["counts_at"]) if row["standing"] == "expected" else ""
    return row["session"], row["kind"] or "", ends, row["standing"], counts, _silence(row)


FORMS: Mapping[str, Form] = {
    "counts": Form("Counted", ("what", "for", "times"), _count),
    "sums": Form("Added up", ("what", "for", "amount"), _sum),
    "marks": Form("Percentages", ("what", "for", "highest"), _mark),
    "values": Form("Watched values", ("what", "for", "latest", "measured", "moved", "crossed"), _value),
    "pauses": Form("Pauses", ("habit", "from", "until"), _pause),
    "lapses": Form(
        "Streaks that count as broken at this time, unless a check or repair comes",
        ("rule", "habit", "run", "broken at", ""),
        _lapse,
    ),
    "awards": Form("Reached", ("rule", "threshold", "for", "standing", "days"), _award),
    "settling": Form(
        "Told when this time comes, if it still holds", ("rule", "threshold", "for", "told at", ""), _settling
    ),
    "bookings": Form("Booked sessions", ("session", "kind", "ends", "standing", "counts at", ""), _booking),
}
NUMBERS = frozenset({"times", "amount", "highest", "latest", "threshold"})
"""The columns whose cells are numbers."""


def _measured(row: Row) -> str:
    """What a number is of: the field and the event that carries it."""
    return f"{row['of'].removesuffix('_cents')} of {row['counter']}" if row["of"] else row["counter"]


def _silence(row: Row) -> str:
    return "silent" if row["silent"] else ""
