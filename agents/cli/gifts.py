"""Gifts: what was given, for how much, and how a gift is taken back."""

import re
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from agents.channel_accounts import account_of, gift_account
from agents.cli.app import EXIT_NO, begin, err, group, opened_ledger, out, run
from agents.cli.brake import Author, ask
from agents.cli.listing import print_json, print_listing, whole_id
from agents.cli.tenant_option import AnyTenant
from agents.ledger.money import Cost, costs
from agents.refund import Refund
from agents.refund import refund as take_back
from agents.settings import GiftSettings
from agents.tenants import load_tenants

gifts_app = group("gifts", "What gifts cost, and taking one back.")
_CONNECTIONS = 2
_COLUMNS = ("delivery", "tenant", "client", "month", "cents", "money", "delivery is", "order", "given back by")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def _month(text: str) -> date:
    found = _MONTH.fullmatch(text)
    if not found:
        raise typer.BadParameter("a month is written as 2026-05")
    return date(int(found[1]), int(found[2]), 1)


@gifts_app.command("list")
def list_gifts(
    *,
    tenant: AnyTenant = None,
    month: Annotated[date | None, typer.Option(parser=_month, help="Only this month, as in 2026-05.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """List what deliveries cost, newest first, and what of it is in doubt or came back."""
    found = ask(lambda pool, _: costs(pool, tenant=tenant, month=month))
    if as_json:
        print_json({"gifts": [asdict(cost) for cost in found]})
        return
    print_listing(_COLUMNS, [_cells(cost) for cost in found], nothing="No money was reserved.")
    if found:
        kept = sum(cost.cents for cost in found if cost.state != "returned")
        doubtful = sum(cost.cents for cost in found if cost.in_doubt)
        out.print(f"{kept} cents are reserved or spent, {doubtful} of them in doubt", highlight=False)


def _cells(cost: Cost) -> tuple[str, ...]:
    money = f"{cost.state}, in doubt" if cost.in_doubt else cost.state
    by = f"{cost.returned_by}: {cost.returned_why}" if cost.returned_why else cost.returned_by or ""
    what = cost.delivery_id, cost.tenant, cost.client, f"{cost.month:%Y-%m}", str(cost.cents)
    return (*what, money, cost.delivery_state, cost.provider_id or "", by)


@gifts_app.command("refund")
def refund(
    delivery: Annotated[str, typer.Argument(help="As `cairn gifts list` shows it; its first letters are enough.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept for good, so without a name or an address.")],
    author: Author,
) -> None:
    """Cancel a gift at its provider and give its money back to the month's budget."""
    done = run(_refund(begin("cli", GiftSettings), delivery, author, reason))
    (out if done.is_back else err).print(done.text, markup=False, highlight=False, soft_wrap=True)
    if not done.is_back:
        raise typer.Exit(EXIT_NO)


async def _refund(settings: GiftSettings, delivery: str, author: str, reason: str) -> Refund:
    tenants = load_tenants(settings.tenants_dir)
    accounts = account_of(gift_account, lambda: tenants, settings.secret_files)
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
        whole = whole_id(delivery, (cost.delivery_id for cost in await costs(pool)))
        return await take_back(pool, accounts, delivery_id=whole, author=author, why=reason)
