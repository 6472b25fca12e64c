"""Listings of things with an id: it is printed whole, and the beginning of it is enough to name the thing.

It must never shorten an id, for it is what the next command takes; rather is the line cut at its end.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import typer
from rich.markup import escape
from rich.table import Column, Table

from agents.cli.app import out

_ID_CHARS = 32
_NAMED = 5


def print_listing(columns: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> None:
    """A table whose first column is the id; `nothing` is said where there are no rows."""
    widest = max((len(row[0]) for row in rows), default=0)
    table = Table(
        Column(columns[0], no_wrap=True, min_width=widest), *(Column(name, overflow="fold") for name in columns[1:])
    )
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table if rows else nothing)


def print_json(found: Mapping[str, object]) -> None:
    """The same for a program: one object in one line."""
    out.out(msgspec.json.encode(found).decode(), highlight=False)


def whole_id(start: str, known: Iterable[str]) -> str:
    """The one id among those known that begins so; `start` itself if it is one, or none begins so.

    Raises:
        typer.BadParameter: several do.
    """
    ids = list(known)
    found = [start] if start in ids or len(start) >= _ID_CHARS else [one for one in ids if one.startswith(start)]
    if len(found) > 1:
        some = ", ".join(found[:_NAMED])
        raise typer.BadParameter(f"several begin so, write more of it: {some}{', …' if found[_NAMED:] else ''}")
    return found[0] if found else start
