"""The command that shows what the tracker knows about one client: `cairn state`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, out, run
from agents.counter_names import CounterNames
from agents.kafka import client_options
from agents.settings import KafkaSettings
from agents.state_console import show_state
from agents.state_reader import read_state
from agents.state_view import Viewpoint, view_state
from agents.tenants import STARTER_RULEBOOK
from schemas.rulebook import RulebookErrors, load_rulebook
from schemas.topics import split_key
from streams.tracking.compiling import compile_rulebook
from streams.tracking.state import UnreadableStateError


@app.command()
def state(
    who: Annotated[str, typer.Argument(help="TENANT/CLIENT.")],
    *,
    rules: Annotated[
        Path, typer.Option(help="The tenant's rulebook, which names what is counted.", show_default="the starter")
    ] = STARTER_RULEBOOK,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show what the tracker knows about a client: counts, streaks, awards, bookings, deadlines."""
    try:
        tenant, client = split_key(who.encode())
        rulebook = load_rulebook(rules.read_text(encoding="utf-8"), str(rules))
    except (RulebookErrors, ValueError) as error:
        text = str(error) if isinstance(error, RulebookErrors) else f"{who}: name the client as TENANT/CLIENT."
        err.print(text, markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID) from None
    settings = begin("state", KafkaSettings, logs=sys.stderr)
    try:
        stored = run(read_state(client_options(settings), tenant, client))
    except UnreadableStateError as error:
        err.print(f"The state of {who} cannot be read by this version: {error}", markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID) from None
    if stored is None:
        err.print(
            f"The tracker knows nobody called {client} at {tenant}: no event or profile of theirs was applied yet. Ids "
            "are compared letter by letter; `cairn log export --tenant T --client C` shows what has arrived.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        raise typer.Exit(EXIT_NO)
    view = Viewpoint(names=CounterNames(rulebook), plan=compile_rulebook(rulebook), now=settings.clock.now())
    shown = view_state(stored, view)
    if as_json:
        out.out(msgspec.json.encode(shown).decode(), highlight=False)
    else:
        show_state(out, shown)
