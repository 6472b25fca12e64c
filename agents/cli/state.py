"""The command that shows what the tracker knows about one client: `cairn state`."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, out, run
from agents.counter_names import CounterNames
from agents.kafka import client_options
from agents.settings import StateSettings
from agents.state_console import show_state
from agents.state_reader import read_state
from agents.state_view import view_state
from agents.stored_state import StoredState
from agents.tenants import STARTER_RULEBOOK, rulebook_file
from agents.viewpoint import Viewpoint
from schemas.rulebook import Rulebook, RulebookErrors, load_rulebook
from schemas.topics import split_key
from streams.tracking.compiling import compile_rulebook
from streams.tracking.state import UnreadableStateError


@app.command()
def state(
    who: Annotated[str, typer.Argument(help="TENANT/CLIENT.")],
    *,
    rules: Annotated[
        Path | None,
        typer.Option(
            help="The rulebook, which names what is counted.",
            show_default="the tenant's in CAIRN_TENANTS_DIR, else the starter",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show what the tracker knows about a client: counts, streaks, pauses, awards, deadlines."""
    settings = begin("state", StateSettings, logs=sys.stderr)
    try:
        tenant, client = split_key(who.encode())
    except ValueError:
        _end(f"{who}: name the client as TENANT/CLIENT.")
    path = rules or rulebook_file(settings.tenants_dir, tenant)
    rulebook = _load(path)
    stored = _read(client_options(settings), tenant, client)
    shown = view_state(
        stored,
        Viewpoint(
            names=CounterNames(rulebook),
            plan=compile_rulebook(rulebook),
            now=settings.clock.now(),
            rulebook="the starter" if path == STARTER_RULEBOOK else str(path),
        ),
    )
    if as_json:
        out.out(msgspec.json.encode(shown).decode(), highlight=False)
    else:
        show_state(out, shown)


def _load(path: Path) -> Rulebook:
    try:
        return load_rulebook(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, RulebookErrors) as error:
        _end(str(error))


def _read(options: dict[str, Any], tenant: str, client: str) -> StoredState:
    try:
        stored = run(read_state(options, tenant, client))
    except UnreadableStateError as error:
        _end(f"The state of {tenant}/{client} cannot be read by this version: {error}")
    if stored is None:
        _end(
            f"The tracker knows nobody called {client} at {tenant}: no event or profile of theirs was applied yet. Ids "
            "are compared letter by letter; `cairn log export --tenant T --client C` shows what has arrived.",
            EXIT_NO,
        )
    return stored


def _end(text: str, status: int = EXIT_INVALID) -> NoReturn:
    err.print(text, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status) from None
