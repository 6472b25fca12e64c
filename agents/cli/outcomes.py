"""The command that reads out what came of celebrations: `cairn outcomes`."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.cli.app import EXIT_NO, app, as_utc, begin, err, opened_ledger, out, run
from agents.cli.tenant_option import AnyTenant
from agents.ledger.outcomes import Group, groups, renewals_of_hold_out
from agents.outcomes_view import as_objects, findings, hold_out_sentence, in_order, outcomes_table, told
from agents.settings import OutcomeSettings
from agents.tenants import load_tenants
from streams.outcomes.shares import Share

_CONNECTIONS = 1
_DAYS = 365


@app.command()
def outcomes(
    *,
    experiment: Annotated[str | None, typer.Option(help="Compare the variants of this one.")] = None,
    tenant: AnyTenant = None,
    since: Annotated[
        datetime | None, typer.Option(help="What was sent from then on (UTC).", show_default="a year ago")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Read out what clients did: opened, clicked, left, renewed; by tier, or by variant of an experiment."""
    settings = begin("cli", OutcomeSettings, logs=sys.stderr)
    start = as_utc(since) if since else datetime.now(UTC) - timedelta(days=_DAYS)
    dsn = settings.database_url.get_secret_value()

    async def read() -> tuple[tuple[Group, ...], dict[str, Share]]:
        async with opened_ledger(dsn, max_connections=_CONNECTIONS) as pool:
            found = await groups(pool, experiment=experiment, since=start, tenant=tenant)
            return found, dict(await renewals_of_hold_out(pool, since=start, tenant=tenant))

    found, held = run(read())
    if found and experiment:
        found = in_order(found, _variants(settings.tenants_dir, tenant, experiment))
    if as_json:
        _as_json(found, experiment, held)
    else:
        _as_table(found, experiment, held)
    if not found:
        raise typer.Exit(EXIT_NO)


def _variants(folder: Path | None, tenant: str | None, experiment: str) -> tuple[str, ...]:
    """The variants in the order of the rulebook that has the experiment, whose first is compared with."""
    tenants = load_tenants(folder) if folder else {}
    return next(
        (
            tuple(found.variants)
            for name, each in tenants.items()
            for found in each.rulebook.policy.experiments
            if found.id == experiment and tenant in (None, name)
        ),
        (),
    )


def _as_json(found: tuple[Group, ...], experiment: str | None, held: dict[str, Share]) -> None:
    said: dict[str, Any] = {"experiment": experiment, "groups": as_objects(found, compare=experiment is not None)}
    if experiment is None:
        said["renewed"] = {name: {"count": share.count, "of": share.of} for name, share in held.items()}
    out.out(json.dumps(said), highlight=False)


def _as_table(found: tuple[Group, ...], experiment: str | None, held: dict[str, Share]) -> None:
    if not found:
        what = f"under the experiment {experiment}: is it in a rulebook in force" if experiment else "yet: is it early"
        err.print(f"Nothing was sent {what}, and `--since` wide enough?", markup=False, highlight=False)
        return
    out.print(outcomes_table(found, "variant" if experiment else "tier"))
    if experiment:
        for text in findings(found):
            out.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    if any(share.of for share in held.values()):
        for name, share in held.items():
            out.print(f"{name}: renewed within 90 days {told(share)}", markup=False, highlight=False)
    out.print(hold_out_sentence(held), markup=False, highlight=False, soft_wrap=True)
