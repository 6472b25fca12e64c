"""The commands that look back: is what was decided unaltered, and what of the content is of no use?"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from agents.cli.app import EXIT_INVALID, EXIT_NO, begin, err, group, opened_ledger, out, run
from agents.cli.tenant_option import AnyTenant, tenants_asked
from agents.content_audit import Stale, stale_content
from agents.ledger import outcomes
from agents.ledger.audit import Audit, Head, verify
from agents.settings import ContentSettings, DatabaseSettings

audit_app = group("audit", "Is what was decided unaltered, and which content is of no use?")
_CONNECTIONS = 1
_DAYS = 90


@audit_app.command("verify")
def audit_verify(
    *,
    tenant: Annotated[str | None, typer.Option(help="Only make this tenant's decisions anew.")] = None,
    since: Annotated[
        Path | None, typer.Option(help="An earlier --json, kept elsewhere: its heads must still be there.", exists=True)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the head of every chain.")] = False,
) -> None:
    """Make every decision's hash anew and walk the chains; status 1 at the first break, which is told."""
    settings = begin("cli", DatabaseSettings, logs=sys.stderr)
    noted = _noted(since)

    async def walked() -> Audit:
        async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
            with Progress(console=err, transient=True) as bar:
                task = bar.add_task("decisions", total=None)
                return await verify(
                    pool,
                    tenant=tenant,
                    noted=noted,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )

    found = run(walked())
    if as_json:
        out.out(json.dumps(asdict(found)), highlight=False)
    else:
        _tell(found)
    if found.broken is not None:
        raise typer.Exit(EXIT_NO)


@audit_app.command("content")
def audit_content(
    *,
    tenant: AnyTenant = None,
    days: Annotated[int, typer.Option(help="How far to look back.", min=1, max=3_650)] = _DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """List rules that nobody met and templates that nobody got or opened for a while: retire or rewrite them."""
    settings = begin("cli", ContentSettings, logs=sys.stderr)
    tenants = tenants_asked(settings.tenants_dir, tenant)
    now = datetime.now(UTC)
    since = now - timedelta(days=days)

    async def looked() -> list[Stale]:
        found: list[Stale] = []
        async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
            for name, each in tenants.items():
                heard_at = await outcomes.first_heard_at(pool, tenant=name)
                met = await outcomes.met(pool, tenant=name, since=since)
                sent = await outcomes.sent(pool, tenant=name, since=since)
                found += stale_content(each, met, sent, min(days, (now - heard_at).days) if heard_at else 0)
        return found

    stale = run(looked())
    if as_json:
        out.out(json.dumps({"days": days, "stale": [asdict(each) for each in stale]}), highlight=False)
        return
    table = Table("tenant", "what", "name", "why")
    for each in stale:
        table.add_row(*map(escape, (each.tenant, each.kind, each.name, each.why)))
    out.print(
        table
        if stale
        else f"Every rule was met and every template opened within {days} days, or since its tenant is known."
    )


def _noted(path: Path | None) -> dict[int, Head]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Noted).heads
    except msgspec.DecodeError as error:
        err.print(f"{path} is no output of `cairn audit verify --json`: {error}", markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID) from None


class _Noted(msgspec.Struct):
    heads: dict[int, Head]


def _tell(found: Audit) -> None:
    if found.broken is None:
        text = f"{found.decisions} decisions in {found.batches} batches and {len(found.heads)} chains are unaltered."
        out.print(text, markup=False, highlight=False)
        return
    broken = found.broken
    parts = (("decision", broken.decision_id), ("chain", broken.chain), ("batch", broken.sequence))
    where = ", ".join(f"{name} {number}" for name, number in parts if number is not None)
    out.print(f"Broken at {where}: {broken.what}.", markup=False, highlight=False, soft_wrap=True)
