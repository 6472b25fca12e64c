"""The commands around rulebooks: check one, replay a log through one, compare two on a log."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.app import app, as_utc, err, group, out

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

    if clients is not None and against is None:
        raise typer.BadParameter("profiles belong to a log: name it with --against", param_hint="--clients")
    raise typer.Exit(run_rules_check(rules, against=against, clients=clients))


@rules_app.command("show")
def rules_show(rules: Rules) -> None:
    """Say in plain sentences what a rulebook celebrates, and how."""
    from agents.rules_show import run_rules_show

    raise typer.Exit(run_rules_show(rules, out=out, err=err))


@rules_app.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of a rulebook, by which editors complete and check it."""
    from schemas.contracts.generate import contracts

    typer.echo(contracts()["rulebook.schema.json"], nl=False)


@app.command()
def replay(
    events: Annotated[str, typer.Argument(help="A log, one event a line; - reads standard input.")],
    rules: Annotated[Path, typer.Option(help="The rulebook.")],
    clients: Annotated[Path | None, typer.Option(help="Profiles, one a line.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Stop at this time, then tick once more.")] = None,
) -> None:
    """Fold a log of events; prints one JSON line per milestone, status 2 if a line was refused."""
    from agents.replay import run_replay

    raise typer.Exit(run_replay(events=events, rules=rules, clients=clients, until=until and as_utc(until)))


@app.command()
def backtest(
    log: Annotated[str, typer.Argument(help="A log, one event a line; - reads standard input.")],
    *,
    rules: Annotated[Path, typer.Option(help="The rulebook that is tried.")],
    against: Annotated[Path, typer.Option(help="The rulebook that it is compared with.")],
    clients: Annotated[Path | None, typer.Option(help="Profiles, one a line.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Stop at this time, after what is due by then.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Say who would have been celebrated under two rulebooks, for how much, and the difference."""
    from agents.backtest import Trial, run_backtest

    trial = Trial(rules=rules, against=against, log=log, clients=clients, until=until and as_utc(until))
    raise typer.Exit(run_backtest(trial, as_json=as_json))
