"""Deliveries of which nobody can say whether they left: list them, and decide."""

from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_NO, err, group, out
from agents.cli.brake import AnyTenant, Author, ask
from agents.ledger.unknowns import Ruling, resolve, unknown_deliveries

deliveries_app = group("deliveries", "What may or may not have been sent.")

Answer = Literal["sent", "resend", "give-up"]
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
def list_unknown(*, tenant: AnyTenant = None) -> None:
    """List what may or may not have been sent, oldest first."""
    found = ask(lambda pool, _: unknown_deliveries(pool, tenant=tenant))
    table = Table("delivery", "tenant", "client", "channel", "what", "handed over", "unknown since", "expires")
    for row in found:
        times = (row.sending_at, row.unknown_since, row.expires_at)
        when = (at.isoformat(sep=" ", timespec="minutes") if at else "" for at in times)
        cells = row.delivery_id, row.tenant, row.client, row.channel, row.name, *when
        table.add_row(*map(escape, cells))
    out.print(table if found else "Nothing is unknown.")


@deliveries_app.command("resolve")
def resolve_unknown(
    delivery: Annotated[str, typer.Argument(help="As `cairn deliveries unknown` lists it.")],
    answer: Annotated[Answer, typer.Argument(help="What became of it, or becomes of it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with your name, and never a client's name or address.")],
    author: Author,
) -> None:
    """Decide about one: it was sent, it is sent once more, or it is given up."""
    ruling = Ruling(answer=answer, author=author, why=reason)
    resolution = ask(lambda pool, now: resolve(pool, delivery, ruling, now=now))
    if resolution != "resolved":
        err.print(_NOT_DONE[resolution].format(delivery), markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(_DONE[answer].format(delivery), markup=False, highlight=False)
