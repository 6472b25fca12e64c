"""Deliveries of which nobody can say whether they left: list them, and decide."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

import typer

from agents.cli.app import EXIT_NO, err, group, out
from agents.cli.brake import Author, ask
from agents.cli.listing import print_json, print_listing, whole_id
from agents.cli.tenant_option import AnyTenant
from agents.ledger.pool import Pool
from agents.ledger.unknowns import Resolution, Ruling, resolve, unknown_deliveries

deliveries_app = group("deliveries", "What may or may not have been sent.")

Answer = Literal["sent", "resend", "give-up"]
_COLUMNS = ("delivery", "tenant", "client", "channel", "what", "handed over", "unknown since", "expires")
_DONE = {
    "sent": "{} counts as sent.",
    "resend": "{} is sent once more, if nothing stands in its way by now.",
    "give-up": "{} is given up.",
}
_NOT_DONE = {
    "not_unknown": "{} is not unknown: `cairn deliveries unknown` lists what is.",
    "expired": "{} has expired: write to the client yourself, and resolve it with give-up.",
}


@deliveries_app.command("unknown")
def list_unknown(
    *,
    tenant: AnyTenant = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """List what may or may not have been sent, oldest first."""
    found = ask(lambda pool, _: unknown_deliveries(pool, tenant=tenant))
    if as_json:
        print_json({"unknown": [asdict(row) for row in found]})
        return
    rows: list[tuple[str, ...]] = []
    for row in found:
        times = (row.sending_at, row.unknown_since, row.expires_at)
        when = (at.isoformat(sep=" ", timespec="minutes") if at else "" for at in times)
        rows.append((row.delivery_id, row.tenant, row.client, row.channel, row.name, *when))
    print_listing(_COLUMNS, rows, nothing="Nothing is unknown.")


@deliveries_app.command("resolve")
def resolve_unknown(
    delivery: Annotated[
        str, typer.Argument(help="As `cairn deliveries unknown` lists it; its first letters are enough.")
    ],
    answer: Annotated[Answer, typer.Argument(help="What became of it, or becomes of it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with your name, and never a client's name or address.")],
    author: Author,
) -> None:
    """Decide about one: it was sent, it is sent once more, or it is given up."""
    ruling = Ruling(answer=answer, author=author, why=reason)

    async def resolved(pool: Pool, now: datetime) -> Resolution:
        whole = whole_id(delivery, (row.delivery_id for row in await unknown_deliveries(pool, tenant=None)))
        return await resolve(pool, whole, ruling, now=now)

    resolution = ask(resolved)
    if resolution != "resolved":
        err.print(_NOT_DONE[resolution].format(delivery), markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(_DONE[answer].format(delivery), markup=False, highlight=False)
