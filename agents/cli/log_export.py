"""The command that writes the events topic to a file: `cairn log export`."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.cli.app import EXIT_INVALID, as_utc, begin, err, group, run
from agents.kafka import client_options
from agents.log_export import Outlet, Selection, export_events
from agents.profile_export import export_profiles
from agents.progress import ProgressBar
from agents.settings import KafkaSettings
from schemas.codec import Refused
from streams.tracking.instants import to_ms

log_app = group("log", "The log of events.")

_NAMED_AT_MOST = 20
Export = Callable[[dict[str, Any], Selection, Outlet], Coroutine[Any, Any, int]]


@log_app.command("export")
def export(
    *,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's events.")] = None,
    client: Annotated[str | None, typer.Option(help="Only this client's; needs --tenant.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Appended at this time or later (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Appended before this time (UTC).")] = None,
    output: Annotated[Path | None, typer.Option(help="The file; standard output without.")] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="Write what replay needs of the clients' profiles here, beside the events.")
    ] = None,
) -> None:
    """Write the events as JSON Lines in the order of arrival, as replay and backtest read them."""
    if client and not tenant:
        err.print("--client needs --tenant: a client's id is one of its tenant's.")
        raise typer.Exit(EXIT_INVALID)
    selection = Selection(tenant=tenant, client=client, since_ms=_ms(since), until_ms=_ms(until))
    settings = begin("log", KafkaSettings, logs=sys.stderr)
    if profiles is not None:
        _write(export_profiles, settings, selection, profiles, "profiles")
    try:
        _write(partial(export_events, clock=settings.clock), settings, selection, output, "events")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has enough


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(as_utc(at))


def _write(export: Export, settings: KafkaSettings, selection: Selection, output: Path | None, what: str) -> None:
    refused: Counter[str] = Counter()

    def name(place: str, refusal: Refused) -> None:
        refused[refusal.reason] += 1
        if refused.total() <= _NAMED_AT_MOST:
            err.print(f"{place}: {refusal.reason}", markup=False, highlight=False, soft_wrap=True)

    shares_terminal = output is None and sys.stdout.isatty()
    with _opened(output) as write, ProgressBar(f"Reading {what}", err, hidden=shares_terminal) as bar:
        outlet = Outlet(write=write, refuse=name, begin=bar.begin, show=bar.show)
        written = run(export(client_options(settings), selection, outlet))
    err.print(f"{written} {what}{f' -> {output}' if output else ''}", markup=False, highlight=False)
    for reason, count in refused.most_common():
        err.print(f"{count} left out, refused by the tracker too: {reason}", markup=False, highlight=False)


@contextmanager
def _opened(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Where lines go: a file that has its name once it is whole, or standard output."""
    if output is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f"{output.name}.part")
    with part.open("wb", buffering=1 << 20) as file:
        yield file.write
    part.replace(output)
