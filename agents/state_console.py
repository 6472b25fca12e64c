"""A state for people: tables of at most 80 columns, and a calendar of eight weeks for each habit.

It prints what `agents.state_view` found and knows nothing else; a part without a form of its
own is printed as a line. Times are told in the client's zone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.state_rows import FORMS, NUMBERS, Form, Row
from agents.streak_calendar import calendar

_INDENT = 2
_HEAD = frozenset({"who", "as_of", "zone"})


def show_state(console: Console, view: Mapping[str, Any]) -> None:
    """Print a state."""
    page = _Page(console=console, zone=ZoneInfo(view["zone"]))
    page.line(view["who"], "bold")
    page.line(f"as of {page.tell(view['as_of'])}; all times in {view['zone']}")
    for name, part in view.items():
        if name in FORMS:
            page.table(FORMS[name], part)
        elif name in _OTHERS:
            _OTHERS[name](page, part)
        elif name not in _HEAD:
            page.line(f"{name.replace('_', ' ')}: {part}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Where a state is printed, and the zone of its times."""

    console: Console
    zone: ZoneInfo

    def tell(self, at: datetime) -> str:
        """An instant in the client's zone."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def line(self, text: str, style: str = "") -> None:
        """Print a line as it is."""
        self.console.print(Text(text, style), soft_wrap=True)

    def title(self, text: str) -> None:
        """Begin a part."""
        self.line("")
        self.line(text, "bold")

    def table(self, form: Form, rows: Iterable[Row]) -> None:
        """Print a table; a column that is empty throughout is left out."""
        cells = [form.cells(row, self.tell) for row in rows]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        filled = [index for index in range(len(form.heads)) if any(row[index] for row in cells)]
        for head in (form.heads[index] for index in filled):
            table.add_column(head, overflow="fold", justify="right" if head in NUMBERS else "left")
        for row in cells:
            table.add_row(*(Text(row[index]) for index in filled))
        self.title(form.title)
        self.console.print(Padding(table, (0, 0, 0, _INDENT), expand=False))


def _show_rulebook(page: _Page, part: Row) -> None:
    page.line(f"rulebook: {part['given']}, version {part['given_version']} ({part['given_stamp']})")
    if not part["is_given"]:
        page.line(f"  The tracker last looked at this client with another one ({part['stamp'] or 'unknown'}): what")
        page.line("  the one above does not count is called unknown, and the next date may be another.")


def _show_profile(page: _Page, profile: Row) -> None:
    page.title("Profile")
    for name, value in profile.items():
        text = ", ".join(value) if isinstance(value, list | tuple) else value
        page.line(f"{' ' * _INDENT}{name.replace('_', ' ')}: {text}")


def _show_habits(page: _Page, habits: Iterable[Row]) -> None:
    for habit in habits:
        page.line("")
        for line in calendar(habit):
            page.line(line)


def _show_erased(page: _Page, at: datetime) -> None:
    page.line(f"erased at {page.tell(at)}: nothing else is kept, and no later event brings the client back")


def _show_next_date(page: _Page, part: Row) -> None:
    page.title("Next date")
    page.line(
        f"{' ' * _INDENT}{page.tell(part['due_at'])}: {', '.join(part['rules']) or 'for no rule of this rulebook'}"
    )


def _show_barred(page: _Page, count: int) -> None:
    page.title("Taken back")
    events = "1 event was" if count == 1 else f"{count} events were"
    page.line(f"{' ' * _INDENT}{events} retracted lately and would be refused now")


def _show_deadline(page: _Page, at: datetime | None) -> None:
    page.title("Kept by the tracker")
    told = "never, unless an event comes" if at is None else page.tell(at)
    page.line(f"{' ' * _INDENT}looks at the client again: {told}")


def _show_offsets(page: _Page, offsets: Mapping[str, int]) -> None:
    for topic, offset in offsets.items():
        told = "nothing" if offset < 0 else f"up to offset {offset}"
        page.line(f"{' ' * _INDENT}applied of {topic}: {told}")


def _show_bytes(page: _Page, size: int) -> None:
    page.line(f"{' ' * _INDENT}size: {size} bytes")


_OTHERS: Mapping[str, Callable[[_Page, Any], None]] = {
    "erased_at": _show_erased,
    "rulebook": _show_rulebook,
    "profile": _show_profile,
    "habits": _show_habits,
    "next_date": _show_next_date,
    "barred_ids": _show_barred,
    "next_deadline": _show_deadline,
    "applied_offsets": _show_offsets,
    "bytes": _show_bytes,
}
