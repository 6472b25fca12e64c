"""The ledger after a restore from a backup: hold what may have left already, and let go what did not."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from agents.cli.app import EXIT_NO, as_utc, err, group, out
from agents.cli.brake import Author, Reason, ask
from agents.cli.listing import whole_id
from agents.cli.tenant_option import AnyTenant, refuse_unknown
from agents.ledger.pool import Pool
from agents.ledger.recoveries import LetGo, held_that_begin, let_go, recover
from agents.settings import TenantSettings, read
from agents.tenants import tenant_folders
from schemas.brake import Recovery

ledger_app = group("ledger", "After a restore of Postgres from a backup.")

_FORMATS = [
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
]
_NOT_LET_GO = {
    "not_held": "{} is not held by a restore: `cairn held` lists what is.",
    "expired": "{} has expired: write to the client yourself.",
}


@ledger_app.command()
def recovered(
    *,
    at: Annotated[datetime, typer.Option(formats=_FORMATS, help="When the database was lost, in real time (UTC).")],
    tenant: AnyTenant = None,
    reason: Reason = "the ledger was restored from a backup",
    author: Author,
) -> None:
    """Hold whatever was heard before the database was lost: after a restore, so that nothing is sent again."""
    lost_at = as_utc(at).astimezone(UTC)
    if lost_at > datetime.now(UTC):
        raise typer.BadParameter("it is in the future: say when the database was lost", param_hint="--at")
    if tenant is not None:
        refuse_unknown(tenant_folders(read(TenantSettings).tenants_dir), tenant)
    held = ask(lambda pool, _: recover(pool, Recovery(tenant=tenant, lost_at=lost_at, reason=reason), author=author))
    whose = f" of {tenant}" if tenant else ""
    out.print(
        f"What was heard before {lost_at:%Y-%m-%d %H:%M:%S}Z{whose} goes no more by itself; "
        f"{held} {'delivery is' if held == 1 else 'deliveries are'} held by it now.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@ledger_app.command("release")
def release(
    delivery: Annotated[str, typer.Argument(help="As `cairn held` lists it; its first letters are enough.")],
    *,
    author: Author,
) -> None:
    """Let one go that a restore holds, because you know that it had not been sent."""

    async def released(pool: Pool, now: datetime) -> tuple[str, LetGo]:
        whole = whole_id(delivery, await held_that_begin(pool, delivery))
        return whole, await let_go(pool, whole, author=author, now=now)

    whole, outcome = ask(released)
    if outcome != "let_go":
        err.print(_NOT_LET_GO[outcome].format(whole), markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(f"{whole} goes, if nothing else stands in its way.", markup=False, highlight=False)
