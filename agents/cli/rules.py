"""The commands around rulebooks: check one, replay a log through one."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.app import app, group

rules_app = group("rules", "Rulebooks.")


Rules = Annotated[Path, typer.Argument(help="The rulebook, YAML.")]


@rules_app.command("check")
def rules_check(
    rules: Rules,
    against: Annotated[Path | None, typer.Option(help="A log to try it on, one event a line.")] = None,
    clients: Annotated[Path | None, typer.Option(help="The log's profiles, one a line.")] = None,
) -> None:
    """Check a rulebook; prints every error with its line, status 1 if there is one."""
    from agents.rules_check import run_rules_check

    raise typer.Exit(run_rules_check(rules, against=against, clients=clients))


@app.command()
def replay(
    events: Annotated[str, typer.Argument(help="A log, one event a line; - reads standard input.")],
    rules: Annotated[Path, typer.Option(help="The rulebook.")],
    clients: Annotated[Path | None, typer.Option(help="Profiles, one a line.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Stop at this time, then tick once more.")] = None,
) -> None:
    """Fold a log of events; prints one JSON line per milestone, status 2 if a line was refused."""
    from agents.replay import run_replay

    raise typer.Exit(run_replay(events=events, rules=rules, clients=clients, until=until))
