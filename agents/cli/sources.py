"""The command that shows how every source is: `cairn sources`."""

import asyncio
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.markup import escape
from rich.table import Column, Table

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, opened_ledger, out, run
from agents.cli.approvals import AsJson
from agents.cli.listing import print_json
from agents.cli.tenant_option import AnyTenant, refuse_unknown
from agents.connect.asking import Said, ask_vendors
from agents.intake.served import Key
from agents.ledger.queries import load_queries
from agents.secret_files import SecretFiles
from agents.settings import SourceSettings
from agents.source_list import SourceLine, list_sources
from agents.tenants import TenantErrors, read_tenants, tenant_folders
from schemas.tenant import Source

_CONNECTIONS = 1
_COLUMNS = ("tenant", "source", "kind", "state", "last heard", "accepted", "failed", "newest", "lag", "last failure")
_WHOLE = frozenset({"tenant", "source", "state"})
_LEFT_OUT_FIRST = ("kind", "newest", "accepted", "failed", "lag", "last heard")
_ANY_WIDTH = 10_000
_HELD = "a `cairn serve` that read its secrets before goes on with them until a restart"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@app.command()
def sources(
    *,
    tenant: AnyTenant = None,
    as_json: AsJson = False,
    ask: Annotated[
        bool, typer.Option(help="Ask vendors that have an API whether they have switched hooks off.")
    ] = True,
) -> None:
    """Show how each source is, when it was heard, what failed; status 1 if one is not well, 2 if files are invalid."""
    settings = begin("cli", SourceSettings, logs=sys.stderr)
    refuse_unknown(tenant_folders(settings.tenants_dir), tenant)
    tenants, faults = read_tenants(settings.tenants_dir, only=tenant)
    if not tenants:
        raise TenantErrors(faults)
    asked = {(one.id, source.name): source for one in tenants.values() for source in one.sources}

    async def read() -> tuple[list[SourceLine], dict[Key, Said]]:
        said = await _asked(asked, settings.secret_files) if ask else {}
        async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
            lines = await list_sources(
                pool,
                load_queries("intake"),
                asked,
                secrets=settings.secret_files.values,
                disabled={key for key, one in said.items() if one.is_disabled},
                now=datetime.now(UTC),
                domain_now=settings.clock.now(),
            )
        return lines, said

    lines, said = run(read())
    if as_json:
        print_json({"sources": [{**asdict(line), "vendor": _words(said, line)} for line in lines]})
    else:
        _print(lines, said, settings.secret_files.folder)
    for fault in faults:
        err.print(f"Not shown: {fault}", markup=False, highlight=False, soft_wrap=True)
    if faults or not all(line.is_well for line in lines):
        raise typer.Exit(EXIT_INVALID if faults else EXIT_NO)


async def _asked(asked: dict[Key, Source], secrets: SecretFiles) -> dict[Key, Said]:
    # All tenants share the session, so a cookie that came with one's token would go out with another's.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        return dict(await asyncio.gather(*ask_vendors(asked, secrets, session)))


def _print(lines: list[SourceLine], said: dict[Key, Said], secrets_dir: Path) -> None:
    if not lines:
        out.print("No tenant has a source.")
        return
    rows = [_cells(line) for line in lines]
    left_out = next((some for some in _fewer() if _fits(_table(rows, some))), _LEFT_OUT_FIRST)
    table = _table(rows, left_out)
    out.print(table if _fits(table) else _table(rows, left_out, whole=frozenset()))
    if left_out:
        err.print(f"Too narrow for {', '.join(left_out)}: --json has them.", markup=False, soft_wrap=True)
    for line in lines:
        for refusal in line.unreadable:
            _hint(line, f"{refusal}: mend it; a `cairn serve` that read it before goes on with what it held")
        if line.missing and line.heard_at and not (secrets_dir / line.tenant).exists():
            _hint(line, f"{secrets_dir / line.tenant} is gone: restore it; {_HELD}")
        elif line.missing:
            _hint(line, f"write the secret files {' and '.join(line.missing)}: `cairn serve` takes them up")
        elif line.state == "unserved":
            _hint(line, "`cairn serve` has not taken it up: is it running, and does its log say why not?")
        if line.unasked:
            _hint(line, f"completions are believed unasked without {' and '.join(line.unasked)}: docs/connect.md")
        if words := _words(said, line):
            _hint(line, words)


def _fewer() -> Iterator[tuple[str, ...]]:
    """What may be left out where it is narrow, from nothing on."""
    return (_LEFT_OUT_FIRST[:count] for count in range(len(_LEFT_OUT_FIRST) + 1))


def _table(rows: list[tuple[str, ...]], left_out: Collection[str], *, whole: Collection[str] = _WHOLE) -> Table:
    """Folded where it has to be, and never cut, for the names are what the next command takes."""
    shown = [place for place, name in enumerate(_COLUMNS) if name not in left_out]
    columns = (_COLUMNS[place] for place in shown)
    table = Table(*(Column(name, no_wrap=name in whole, overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*(escape(row[place]) for place in shown))
    return table


def _fits(table: Table) -> bool:
    return out.measure(table, options=out.options.update_width(_ANY_WIDTH)).minimum <= out.width


def _hint(line: SourceLine, text: str) -> None:
    err.print(f"{line.tenant}/{line.source}: {text}", markup=False, highlight=False, soft_wrap=True)


def _words(said: dict[Key, Said], line: SourceLine) -> str | None:
    one = said.get((line.tenant, line.source))
    return one.text if one else None


def _cells(line: SourceLine) -> tuple[str, ...]:
    heard = line.heard_at.isoformat(sep=" ", timespec="minutes") if line.heard_at else "never"
    newest = "" if line.newest_seconds is None else _span(line.newest_seconds)
    lag = [f"{line.kept} kept"] if line.kept else []
    lag += [f"poll due for {_span(line.overdue_seconds)}"] if line.overdue_seconds >= _MINUTE else []
    failure = f"{line.failure}, {line.failed_at:%Y-%m-%d %H:%M}" if line.failure and line.failed_at else ""
    counts = str(line.accepted), str(line.failed)
    return line.tenant, line.source, line.kind, line.state, heard, *counts, newest, ", ".join(lag), failure


def _span(seconds: int) -> str:
    for length, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= length:
            return f"{seconds // length} {word}"
    return f"{seconds} s"
