"""The commands that run: everything on one machine, or one process each."""

from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.app import app, begin, out
from agents.settings import DeliverSettings, ServeSettings, TrackSettings


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Where the servers keep their data.")] = Path("build/up"),
) -> None:
    """Start everything on this machine: Kafka, Postgres, a mail sink and Cairn's three processes."""
    from agents.up import run_up

    raise typer.Exit(run_up(data))


@app.command()
def track() -> None:
    """Run the tracker: events in, milestones out, exactly once."""
    from agents.tracker import run_tracker

    raise typer.Exit(run_tracker(begin("track", TrackSettings)))


@app.command()
def deliver() -> None:
    """Run the celebrator and the senders: milestones in, celebrations out."""
    from agents.deliver import run_deliver

    raise typer.Exit(run_deliver(begin("deliver", DeliverSettings)))


@app.command()
def serve() -> None:
    """Run the web: hooks and pulls in; inbox, unsubscribe page and administration."""
    from agents.serve import run_serve

    raise typer.Exit(run_serve(begin("serve", ServeSettings)))


@app.command()
def version() -> None:
    """Print the version."""
    out.print(f"cairn {installed('cairn')}", highlight=False)
