"""The brake and what it leaves to people: suppress, pause, see what is held, coaches' tasks."""

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_NO, app, as_utc, begin, err, group, opened_ledger, out, run
from agents.cli.listing import print_listing
from agents.cli.tenant_option import AnyTenant, refuse_unknown
from agents.ledger import brakes, tasks
from agents.ledger.pool import Pool
from agents.settings import DatabaseSettings, TenantSettings, read
from agents.tenants import load_tenants, tenant_folders, unknown_rule
from schemas.brake import Pause, Suppression
from schemas.policy import ChannelName

tasks_app = group("tasks", "What is left to coaches.")
_CONNECTIONS = 2
_HELD = ("delivery", "tenant", "client", "rule", "channel", "state", "why", "due", "expires")
T = TypeVar("T")

Tenant = Annotated[str, typer.Option(help="The client's tenant.")]
Reason = Annotated[str, typer.Option(help="Why; shown to whoever asks later.")]
Author = Annotated[str, typer.Option(help="Who does it.", default_factory=getpass.getuser)]
Channel = Annotated[ChannelName | None, typer.Option(help="Only this channel.")]
RuleId = Annotated[str | None, typer.Option(help="Only this rule.")]


@asynccontextmanager
async def _ledger() -> AsyncIterator[tuple[Pool, datetime]]:
    settings = begin("cli", DatabaseSettings)
    dsn = settings.database_url.get_secret_value()
    async with opened_ledger(dsn, max_connections=_CONNECTIONS) as pool:
        yield pool, settings.clock.now()


def ask(question: Callable[[Pool, datetime], Awaitable[T]]) -> T:
    """Open the ledger, ask it one thing, and close it."""

    async def asked() -> T:
        async with _ledger() as (pool, now):
            return await question(pool, now)

    return run(asked())


@app.command()
def suppress(
    client: str,
    *,
    tenant: Tenant,
    reason: Reason,
    author: Author,
    until: Annotated[datetime | None, typer.Option(help="Ends by itself then (UTC); never without.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Close what is planned; without, it is held.")] = False,
) -> None:
    """From now on nothing reaches this client; every milestone leaves a task for the coach."""
    _refuse_unknown(tenant, None)
    suppression = Suppression(answer="drop" if drop else "hold", reason=reason, until=until and as_utc(until))
    whose = {"tenant": tenant, "client": client}
    ask(lambda pool, now: brakes.suppress(pool, **whose, suppression=suppression, author=author, now=now))
    out.print(f"{client} is suppressed{f' until {until}' if until else ''}.", highlight=False)


@app.command()
def unsuppress(client: str, *, tenant: Tenant, author: Author) -> None:
    """Lift a suppression; what it held and has not expired goes on."""
    lifted = ask(lambda pool, now: brakes.unsuppress(pool, tenant=tenant, client=client, author=author, now=now))
    _say_or_fail(lifted, f"{client} is no longer suppressed.", f"{client} of {tenant} was not suppressed.")


@app.command()
def pause(
    *,
    tenant: AnyTenant = None,
    channel: Channel = None,
    rule: RuleId = None,
    reason: Reason = "paused by an operator",
    author: Author,
) -> None:
    """Stop sends in a scope at the next claim; without a scope, all of them."""
    if (tenant, rule) != (None, None):
        _refuse_unknown(tenant, rule)
    scope = Pause(tenant=tenant, channel=channel, rule=rule, reason=reason)
    ask(lambda pool, _: brakes.pause(pool, scope, author=author))
    out.print(f"Paused: {_scope(tenant, channel, rule)}.", highlight=False)


def _refuse_unknown(tenant: str | None, rule: str | None) -> None:
    """A slip in a name must not look like a brake that works; only for a rule are tenants' files read."""
    folder = read(TenantSettings).tenants_dir
    refuse_unknown(tenant_folders(folder), tenant)
    if rule is not None and (correction := unknown_rule(load_tenants(folder, only=tenant), tenant, rule)):
        raise typer.BadParameter(correction, param_hint="--rule")


@app.command()
def resume(*, tenant: AnyTenant = None, channel: Channel = None, rule: RuleId = None, author: Author) -> None:
    """Lift the pause with exactly this scope; what has not expired goes on."""
    lifted = ask(
        lambda pool, now: brakes.resume(pool, tenant=tenant, channel=channel, rule=rule, author=author, now=now)
    )
    scope = _scope(tenant, channel, rule)
    _say_or_fail(lifted, f"Resumed: {scope}.", f"No pause with the scope {scope}: `cairn held` lists what holds.")


@app.command()
def held(*, tenant: AnyTenant = None) -> None:
    """List what is paused, and which deliveries wait and why."""
    pauses, deliveries = ask(lambda pool, now: _held(pool, tenant, now))
    for scope in pauses:
        out.print(f"paused: {_scope(scope.tenant, scope.channel, scope.rule)}: {scope.reason}", markup=False)
    rows = []
    for row in deliveries:
        why = " ".join(part for part in (row.reason, row.why, row.author and f"({row.author})") if part)
        due, expires = (at.isoformat(sep=" ", timespec="minutes") for at in (row.due_at, row.expires_at))
        rows.append((row.delivery_id, row.tenant, row.client, row.rule, row.channel, row.state, why, due, expires))
    print_listing(_HELD, rows, nothing="Nothing is held.")


async def _held(pool: Pool, tenant: str | None, now: datetime) -> tuple[tuple[Pause, ...], tuple[brakes.Held, ...]]:
    return await brakes.pauses_in_force(pool), await brakes.held(pool, tenant=tenant, now=now)


@tasks_app.command("list")
def list_tasks(*, tenant: AnyTenant = None) -> None:
    """What waits for a coach, and how many minutes it asks."""
    found = ask(lambda pool, _: tasks.open_tasks(pool, tenant=tenant))
    table = Table("task", "tenant", "client", "coach", "what", "why", "minutes")
    for task in found:
        number, minutes = str(task.task_id), str(task.minutes)
        cells = number, task.tenant, task.client, task.coach or "", task.summary, task.reason, minutes
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"{len(found)} tasks, {sum(task.minutes for task in found)} minutes", highlight=False)


@tasks_app.command("done")
def close_task(task_id: int, *, tenant: AnyTenant = None, author: Author) -> None:
    """Mark a task as done."""
    closed = ask(lambda pool, _: tasks.close_task(pool, task_id=task_id, tenant=tenant, author=author))
    _say_or_fail(closed, f"Task {task_id} is done.", f"Task {task_id} is not open.")


def _scope(*parts: str | None) -> str:
    named = zip(("tenant", "channel", "rule"), parts, strict=True)
    return ", ".join(f"{name} {part}" for name, part in named if part) or "everything"


def _say_or_fail(done: object, yes: str, no: str) -> None:
    if not done:
        err.print(no, markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(yes, markup=False, highlight=False)
