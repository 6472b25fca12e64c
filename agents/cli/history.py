"""The commands that write history: an amnesty for an outage of ours, and the import of older events."""

import getpass
import sys
from datetime import datetime
from typing import Annotated

import typer

from agents.amnesty import Amnesty, grant
from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, out, run
from agents.kafka import client_options
from agents.known_clients import known_clients
from agents.progress import ProgressBar
from agents.settings import KafkaSettings
from schemas.codec import Refused

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command()
def amnesty(
    *,
    tenant: Annotated[str, typer.Option(help="Whose clients.")],
    first: Annotated[datetime, typer.Option("--from", help="The first day, in each client's calendar.")],
    until: Annotated[datetime, typer.Option(help="The last day.")],
    reason: Annotated[str, typer.Option(help="Why; stands in every event.")],
    author: Annotated[str, typer.Option(help="Who grants it.", default_factory=getpass.getuser)],
    dry_run: DryRun = False,
) -> None:
    """Pause every habit of all clients of a tenant, so that an outage of ours breaks no streak."""
    settings = begin("amnesty", KafkaSettings, logs=sys.stderr)
    granted = Amnesty(
        tenant=tenant,
        first=first.date(),
        last=until.date(),
        reason=reason,
        author=author,
        at=settings.clock.now(),
    )
    _refuse_if_wrong(granted)
    options = client_options(settings)
    clients = run(known_clients(options, tenant))
    days = f"{granted.first} to {granted.last}"
    if not clients:
        err.print(f"Tenant {tenant} has no clients: none with a profile, a state or an event.", markup=False)
        raise typer.Exit(EXIT_NO)
    if dry_run:
        out.print(
            f"Nothing was done: {len(clients)} clients of {tenant} would be paused from {days}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    with ProgressBar(f"Pausing {len(clients)} clients", err, total=len(clients)) as bar:
        run(grant(options, granted, clients, bar.show))
    out.print(
        f"{len(clients)} clients of {tenant} are paused from {days}.", markup=False, highlight=False, soft_wrap=True
    )


def _refuse_if_wrong(granted: Amnesty) -> None:
    """Say at once what no event may be, before anything is read."""
    wrong = "--until must not lie before --from." if granted.last < granted.first else None
    try:
        granted.event_for("anybody")
    except Refused as refusal:
        wrong = str(refusal)
    if wrong:
        err.print(wrong, markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID)
