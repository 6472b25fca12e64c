"""The command that connects a tool: `cairn connect`."""

import sys
from typing import Annotated

import aiohttp
import typer

from agents.cli.app import EXIT_FAILED, EXIT_INVALID, EXIT_NO, app, begin, err, opened_ledger, out, run
from agents.cli.tenant_option import AnyTenant, tenants_asked
from agents.connect.connecting import Connecting, SecretMissing, TrialFailed, TwoAreValid, connect_source
from agents.connect.vendor_call import VendorAway, VendorRefused
from agents.ledger.queries import load_queries
from agents.settings import ConnectSettings
from agents.tenants import Tenant
from schemas.tenant import Source

_CONNECTIONS = 1
_STATUSES: dict[type[Exception], int] = {
    TwoAreValid: EXIT_NO,
    TrialFailed: EXIT_NO,
    SecretMissing: EXIT_INVALID,
    VendorRefused: EXIT_INVALID,
    VendorAway: EXIT_FAILED,
}


@app.command()
def connect(
    source: Annotated[str, typer.Argument(help="The source's name in tenant.yaml.")],
    *,
    tenant: AnyTenant = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make new secrets, valid beside the old ones.")] = False,
    trial: Annotated[bool, typer.Option(help="Send a trial through the public address before subscribing.")] = True,
) -> None:
    """Connect a tool: print its hook address, try it, and subscribe at the vendor; run again, it mends."""
    settings = begin("cli", ConnectSettings, logs=sys.stderr)
    whose, found = _find(tenants_asked(settings.tenants_dir, tenant), source)

    async def connected() -> None:
        dsn = settings.database_url.get_secret_value()
        async with opened_ledger(dsn, max_connections=_CONNECTIONS) as pool, aiohttp.ClientSession() as session:
            work = Connecting(
                tenant=whose,
                source=found,
                secrets=settings.secret_files,
                public_url=str(settings.public_url),
                pool=pool,
                trial_query=load_queries("intake")["trial_of_source"],
                session=session,
                has_trial=trial,
            )
            await connect_source(work, _say, rotate=rotate)

    try:
        run(connected())
    except tuple(_STATUSES) as error:
        err.print(f"Not connected: {error}.", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(_STATUSES[type(error)]) from None


def _find(tenants: dict[str, Tenant], name: str) -> tuple[str, Source]:
    """The one source that is meant.

    Raises:
        typer.BadParameter: none is, or several are.
    """
    found = [(one.id, source) for one in tenants.values() for source in one.sources if source.name == name]
    if not found:
        known = ", ".join(sorted({source.name for one in tenants.values() for source in one.sources})) or "none"
        raise typer.BadParameter(f"no tenant.yaml has this source; there are: {known}", param_hint="SOURCE")
    if len(found) > 1:
        raise typer.BadParameter(
            f"several tenants have it: {', '.join(one for one, _ in found)}", param_hint="--tenant"
        )
    return found[0]


def _say(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
