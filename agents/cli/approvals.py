"""Approvals from the command line: what waits for a coach, how it will look, and the answer."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from agents.approval_desk import ApprovalDesk, Look
from agents.channels.render import Renderer
from agents.cli.app import EXIT_NO, err, group, out
from agents.cli.brake import Author, ask
from agents.cli.listing import print_json, print_listing, whole_id
from agents.cli.tenant_option import AnyTenant, tenants_asked
from agents.ledger.approvals import Decided
from agents.ledger.pool import Pool
from agents.settings import TenantSettings, read
from schemas.celebration import Approved
from streams.planning.approvals import Answer
from streams.planning.approved_words import UnfitWords, approved_words

approvals_app = group("approvals", "What waits for a coach's yes.")
_CENTS = 100
T = TypeVar("T")
Celebration = Annotated[str, typer.Argument(help="The celebration, as listed; its first letters are enough.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
_COLUMNS = ("celebration", "tenant", "client", "coach", "rule", "waits", "money", "asked", "over")


@approvals_app.command("list")
def list_approvals(*, tenant: AnyTenant = None, as_json: AsJson = False) -> None:
    """What waits for coaches, oldest first, and when it goes without the money."""
    with_desk = _desk(tenant)
    found = ask(lambda pool, now: with_desk(pool, now).waiting(tenant))
    if as_json:
        print_json({"approvals": [asdict(row) for row in found]})
        return
    rows: list[tuple[str, ...]] = []
    for row in found:
        asked, over = (at.isoformat(sep=" ", timespec="minutes") for at in (row.asked_at, row.close_at))
        cells = row.celebration_id, row.tenant, row.client, row.coach, row.rule, " ".join(row.parts), _money(row.cents)
        rows.append((*cells, asked, over))
    print_listing(_COLUMNS, rows, nothing="Nothing waits for a coach.")


@approvals_app.command()
def show(celebration: Celebration, *, tenant: AnyTenant = None) -> None:
    """One approval with each message as it will look; names the client."""
    with_desk = _desk(tenant)

    async def looked(pool: Pool, now: datetime) -> Look | None:
        desk = with_desk(pool, now)
        return await desk.look(await _whole(desk, celebration, tenant), tenant=tenant)

    look = _found(ask(looked), celebration)
    approval = look.approval
    out.print(f"{approval.milestone.name}, {look.first_name or approval.client}: {approval.state}", markup=False)
    if approval.decided_by:
        out.print(f"by {approval.decided_by}, {approval.decided_at}", markup=False)
    if look.beyond_budget:
        out.print(look.beyond_budget, markup=False, highlight=False)
    for preview in look.previews:
        out.print(f"\n{preview.channel}: {preview.subject or f'needs {preview.missing}'}\n", markup=False)
        out.print(preview.text, markup=False, highlight=False)


@approvals_app.command()
def approve(
    celebration: Celebration,
    *,
    tenant: AnyTenant = None,
    words: Annotated[
        Path | None, typer.Option(help="Other words: a JSON file, {channel: {subject, text}}; the rest goes as shown.")
    ] = None,
    author: Author,
) -> None:
    """Let it go as shown, or in other words."""
    _answer(celebration, "approve", tenant, author, words=_words(words) if words else None)


@approvals_app.command()
def decline(
    celebration: Celebration,
    *,
    tenant: AnyTenant = None,
    reason: Annotated[str, typer.Option(help="Why; shown to whoever asks later.")],
    author: Author,
) -> None:
    """Do not let it go."""
    _answer(celebration, "decline", tenant, author, note=reason)


@approvals_app.command("take-over")
def take_over(celebration: Celebration, *, tenant: AnyTenant = None, author: Author) -> None:
    """Keep the machine out of it; the coach gets a task."""
    _answer(celebration, "take_over", tenant, author)


def _desk(tenant: str | None) -> Callable[[Pool, datetime], ApprovalDesk]:
    """Makes the desk of an open ledger; tenants' files are read before anything is asked."""
    tenants = tenants_asked(read(TenantSettings).tenants_dir, tenant)
    return lambda pool, now: ApprovalDesk(pool, tenants=lambda: tenants, renderer=Renderer(), now=lambda: now)


async def _whole(desk: ApprovalDesk, start: str, tenant: str | None) -> str:
    return whole_id(start, (row.celebration_id for row in await desk.waiting(tenant)))


def _found(found: T | None, celebration: str) -> T:
    if found is None:
        err.print(f"No approval of {celebration}: `cairn approvals list` shows them.", markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    return found


def _money(cents: int) -> str:
    return f"{cents / _CENTS:.2f}" if cents else ""


def _answer(
    celebration: str,
    answer: Answer,
    tenant: str | None,
    author: str,
    *,
    words: dict[str, Approved] | None = None,
    note: str | None = None,
) -> None:
    with_desk = _desk(tenant)

    async def answered(pool: Pool, now: datetime) -> Decided | None:
        desk = with_desk(pool, now)
        whole = await _whole(desk, celebration, tenant)
        return await desk.answer(whole, answer, tenant=tenant, author=author, words=words or {}, note=note)

    try:
        _say(_found(ask(answered), celebration))
    except UnfitWords as error:
        raise typer.BadParameter(str(error), param_hint="--words") from None


def _say(decided: Decided) -> None:
    approval = decided.approval
    who = f" by {approval.decided_by}" if approval.decided_by else f": {approval.reason}"
    text = f"{approval.state}{who}, {approval.decided_at}"
    if not decided.done:
        err.print(f"Nothing was decided now; it is {text}.", markup=False, highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(text, markup=False, highlight=False)


def _words(path: Path) -> dict[str, Approved]:
    try:
        typed = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, str]])
        return {channel: approved_words(one.get("subject", ""), one.get("text", "")) for channel, one in typed.items()}
    except (msgspec.MsgspecError, UnfitWords) as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--words") from None
