"""A state for people: tables, and a calendar of eight weeks for each habit.

It prints what `agents.state_view` found and knows nothing else; a part without a form of its
own here is printed as a table or a line.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WEEKS = 8


def show_state(console: Console, view: Mapping[str, Any]) -> None:
    """Print a state."""
    for name, part in view.items():
        form = _FORMS.get(name)
        if form is not None:
            form(console, part)
        elif isinstance(part, list):
            console.print(_table(name, part))
        else:
            console.print(f"{_words(name)}: {_text(part)}", markup=False, highlight=False, soft_wrap=True)


def _show_habits(console: Console, habits: list[dict[str, Any]]) -> None:
    for habit in habits:
        streaks = f"{habit['current_streak']} days now, {habit['longest_streak']} at most"
        console.print(f"habit {habit['habit']}: {streaks}", markup=False, highlight=False)
        today = date.fromisoformat(habit["today"])
        monday = today - timedelta(days=today.weekday(), weeks=_WEEKS - 1)
        checked = set(habit["checked"])
        weeks = [monday + timedelta(weeks=week) for week in range(_WEEKS)]
        console.print("     " + " ".join(f"{week:%d.%m}" for week in weeks), highlight=False)
        for weekday, name in enumerate(_WEEK):
            days = (week + timedelta(days=weekday) for week in weeks)
            cells = (_cell(day, today, is_checked=day.isoformat() in checked) for day in days)
            console.print(f"  {name} " + " ".join(cells), highlight=False, markup=False)


def _cell(day: date, today: date, *, is_checked: bool) -> str:
    """A day of the calendar, as wide as the heading of its week."""
    mark = " " if day > today else "■" if is_checked else "·"
    return f" [{mark}] " if day == today else f"  {mark}  "


def _show_offsets(console: Console, offsets: dict[str, int]) -> None:
    for topic, offset in offsets.items():
        told = "nothing" if offset < 0 else f"up to offset {offset}"
        console.print(f"applied of {topic}: {told}", markup=False, highlight=False)


def _show_bytes(console: Console, size: int) -> None:
    console.print(f"size: {size} bytes", highlight=False)


_FORMS: Mapping[str, Callable[[Console, Any], None]] = {
    "habits": _show_habits,
    "applied_offsets": _show_offsets,
    "bytes": _show_bytes,
}


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(title=_words(name), title_justify="left")
    for column in columns:
        table.add_column(_words(column), overflow="fold")
    for row in rows:
        cells = (row.get(column) for column in columns)
        table.add_row(*("" if cell is None else escape(_text(cell)) for cell in cells))
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, dict):
        return ", ".join(f"{_words(name)} {_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
