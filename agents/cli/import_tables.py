"""Tables for `cairn import`: the mapping given or guessed, shown on the first rows, and agreed to.

It must never show an address whole, nor go on with a guess that nobody agreed to.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import typer
import yaml
from rich.table import Table
from rich.text import Text

from agents.cli.app import out
from agents.import_checkpoint import Progress
from agents.import_format import Format, Look
from agents.intake.finding import Person
from agents.intake.many_people import ManyPeople
from agents.intake.secrecy import Secrecy
from agents.ledger.opening import open_ledger
from agents.ledger.queries import load_queries
from agents.settings import ImportSettings
from agents.table_binding import bind, load_mapping
from agents.table_file import open_table
from agents.table_guess import guess
from agents.table_import import TableFormat, mapping_digest
from agents.table_says import RowTranslator
from schemas.import_mapping import ImportMapping
from schemas.refusal import Refused

_ROWS_SHOWN: Final = 5
_CONNECTIONS: Final = 2
_PATIENCE_SECONDS: Final = 10.0
_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTable:
    """A table with what its columns mean.

    Attributes:
        is_guessed: nobody wrote the mapping down.
        needs_ledger: clients are looked up, or their profiles written.
    """

    form: TableFormat
    mapping: ImportMapping
    is_guessed: bool
    unused: tuple[str, ...]
    needs_ledger: bool


def is_table(file: Path, mapping: Path | None) -> bool:
    """Whether a file is read as a table and not as JSON Lines."""
    return mapping is not None or file.suffix.lower() in _SUFFIXES


def open_format(file: Path, mapping_file: Path | None, *, tenant: str, live: bool, now: datetime) -> OpenedTable:
    """A table as a format of an import, still without a ledger.

    Raises:
        TableErrors: the table, the mapping or both together do not hold up; with every error.
    """
    unused: tuple[str, ...] = ()
    if mapping_file is None:
        table = open_table(file)
        guessed = guess(table)
        mapping, unused, lines = guessed.mapping, guessed.unused, None
    else:
        mapping, lines = load_mapping(mapping_file)
        table = open_table(file, {"tab": "\t"}.get(mapping.separator or "", mapping.separator))
    bound = bind(mapping, table.headers, lines)
    form = TableFormat(
        table=table,
        tenant=tenant,
        live=live,
        source=bound.source,
        mapping=mapping_digest(mapping),
        records_a_line=max(1, len(bound.events)),
        translator=RowTranslator(bound, tenant=tenant, live=live, now=now),
    )
    return OpenedTable(
        form=form,
        mapping=mapping,
        is_guessed=mapping_file is None,
        unused=unused,
        needs_ledger=bound.needs_ledger,
    )


@asynccontextmanager
async def with_people(form: Format, settings: object) -> AsyncIterator[Format]:
    """The format with the ledger behind it, where it needs one."""
    if not (isinstance(form, TableFormat) and isinstance(settings, ImportSettings)):
        yield form
        return
    dsn = settings.database_url.get_secret_value()
    secrecy = Secrecy(settings.identity_key.get_secret_value().encode())
    async with open_ledger(dsn, max_connections=_CONNECTIONS, patience_seconds=_PATIENCE_SECONDS) as pool:
        yield replace(form, people=ManyPeople(pool, load_queries("intake"), secrecy))


def show_preview(opened: OpenedTable) -> None:
    """Say on standard output what was guessed, and what becomes of the first rows."""
    if opened.is_guessed:
        out.print("Guessed from the header; save it as a file, mend it and give it with --mapping:\n")
        out.print(_as_yaml(opened.mapping), markup=False, highlight=False, soft_wrap=True)
        if opened.unused:
            out.print(
                f"Not used: {', '.join(map(_visible, opened.unused))}.", markup=False, highlight=False, soft_wrap=True
            )
        zone = opened.mapping.timezone
        out.print(f"Times without an offset are read in {zone}; a mapping may name another timezone.", highlight=False)
    shown = Table("line", "client", "becomes", "when", "with", title="The first rows")
    with opened.form.table.path.open("rb") as file:
        for line in islice(opened.form.lines(file, Progress()), _ROWS_SHOWN):
            try:
                _add(shown, line.number, opened.form.look(line))
            except Refused as refusal:
                _row(shown, line.number, "", "rejected", "", str(refusal))
    out.print(shown)


def is_agreed(opened: OpenedTable, *, yes: bool) -> bool:
    """Whether what was guessed may be sent: by `--yes`, or by an answer at the terminal."""
    if yes or not opened.is_guessed:
        return True
    return sys.stdin.isatty() and typer.confirm("Import the table so?")


def _add(shown: Table, number: int, look: Look) -> None:
    who = _veiled(look.who)
    if look.has_profile:
        _row(shown, number, who, "profile", "", "")
    for event in look.events:
        said = event.data if isinstance(event.data, dict) else _said(event.data)
        fields = ", ".join(f"{name} {value}" for name, value in said.items())
        _row(shown, number, who, event.type, event.occurred_at.isoformat(), fields)


def _row(shown: Table, number: int, *cells: str) -> None:
    """A row of plain text: what stands in a file is no markup."""
    shown.add_row(str(number), *(Text(_visible(cell)) for cell in cells))


def _visible(text: str) -> str:
    """A file's own words, of which none acts on the terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _said(data: Any) -> dict[str, Any]:
    return {name: value for name in data.__struct_fields__ if (value := getattr(data, name)) is not None}


def _veiled(who: object) -> str:
    """Whose row it is, so that its owner knows it again and nobody else does."""
    if not isinstance(who, Person):
        return str(who or "")
    return who.external_id or f"{(who.email or '')[:1]}…@…"


def _as_yaml(mapping: ImportMapping) -> str:
    written = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(_short(written), sort_keys=False, allow_unicode=True)


def _short(value: Any) -> Any:
    """The mapping as people write it: a column alone is its name."""
    if isinstance(value, dict):
        return value["column"] if value.keys() == {"column"} else {name: _short(part) for name, part in value.items()}
    return value
