"""The commands for dead letters: what was refused, one of them in full, and putting them back.

One table shows both kinds: what tracker and intake refused, which Kafka keeps, and what delivery
refused, which the ledger keeps.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_NO, begin, err, group, opened_ledger, out, run
from agents.cli.listing import print_listing
from agents.dead_letters import (
    REPLAYABLE,
    DeadLetter,
    ask_again,
    ask_delivery,
    each_hook_once,
    put_back,
    read_dead_letters,
    read_parked,
)
from agents.kafka import client_options
from agents.ledger.queries import load_queries
from agents.settings import DeadLetterSettings

dlq = group("dlq", "Dead letters: what was refused, and putting it back.")
_CONNECTIONS = 2
_NAMED = 20


async def _collect(settings: DeadLetterSettings) -> list[DeadLetter]:
    """Every dead letter of both kinds, oldest first."""
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
        letters = await read_parked(pool)
    letters += [letter async for letter in read_dead_letters(client_options(settings))]
    return sorted(letters, key=lambda d: d.refused_ms)


def _narrowed(letters: Sequence[DeadLetter], reason: str | None, tenant: str | None) -> list[DeadLetter]:
    """Those with this reason, of this tenant; where somebody asked for what there is none of, says what there is."""
    of_tenant = [d for d in letters if tenant in {None, d.tenant}]
    found = [d for d in of_tenant if reason in {None, d.reason}]
    if found or reason is tenant is None:
        return found
    if of_tenant:
        asked, there = "for this reason", f"Reasons: {_some({d.reason for d in of_tenant})}"
    else:
        asked, there = "of this tenant", f"Tenants: {_some({d.tenant for d in letters if d.tenant})}"
    err.print(f"There is no such dead letter {asked}. {there}.", markup=False)
    raise typer.Exit(EXIT_NO)


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:_NAMED]) + (", …" if len(names) > _NAMED else "") if names else "none"


@dlq.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many single ones, newest first.")] = 20,
) -> None:
    """Count dead letters by source and reason, and list the newest."""
    letters = _narrowed(run(_collect(begin("dlq", DeadLetterSettings))), reason, tenant)
    counts = Table("count", "kept in", "source", "reason", title=f"{len(letters)} dead letters")
    for (kept_in, source, why), count in _counted(letters):
        counts.add_row(str(count), kept_in, escape(source), escape(why))
    out.print(counts)
    if letters and limit:
        columns = ("name", "tenant", "kept in", "source", "refused at", "reason", "detail")
        print_listing(columns, [_row(letter) for letter in letters[: -limit - 1 : -1]], nothing="")


def _counted(letters: Sequence[DeadLetter]) -> Sequence[tuple[tuple[str, str, str], int]]:
    return Counter((d.kept_in, d.source, d.reason) for d in letters).most_common()


def _row(letter: DeadLetter) -> tuple[str, ...]:
    at = datetime.fromtimestamp(letter.refused_ms / 1000, tz=UTC).isoformat(timespec="seconds")
    detail = f"{letter.detail} (replay asked for)" if letter.is_asked_for else letter.detail
    return letter.name, letter.tenant or "", letter.kept_in, letter.source, at, letter.reason, detail


@dlq.command("show")
def show_letter(name: Annotated[str, typer.Argument(help="As listed, such as dead-letters/0/15.")]) -> None:
    """Print one dead letter whole; its value may hold contact data."""
    letters = run(_collect(begin("dlq", DeadLetterSettings)))
    found = next((d for d in letters if d.name == name), None)
    if found is None:
        err.print("No dead letter has this name: `cairn dlq list` shows them.")
        raise typer.Exit(EXIT_NO)
    out.print(f"from {found.source}, kept in {found.kept_in}: {found.reason}: {found.detail}", markup=False)
    out.print(f"key: {found.key!r}", markup=False)
    if not found.has_content:
        out.print("The content of a profile is not kept here: it stands on its topic, at this partition and offset.")
        return
    for header, value in found.headers:
        out.print(f"{header}: {value!r}", markup=False)
    out.out((found.value or b"").decode(errors="backslashreplace"))


@dlq.command("replay")
def replay_letters(
    *,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, oldest first.")] = 1_000,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would do.")] = False,
) -> None:
    """Put dead letters back on the topic they came from; delivery applies what it refused, tools are asked again."""
    settings = begin("dlq", DeadLetterSettings)
    replayable = [letter for letter in run(_collect(settings)) if letter.is_replayable]
    letters = each_hook_once(_narrowed(replayable, reason, tenant))[:limit]
    for (kept_in, source, why), count in _counted(letters):
        out.print(f"{count} {why} {_way(kept_in, source)}", markup=False)
    if not yes:
        out.print(f"Nothing was done: --yes replays these {len(letters)}.")
        return
    put, asked, hooks = run(_replay(settings, letters))
    out.print(f"{put} put back. {asked} asked for: `cairn deliver` applies them at its next look.")
    if hooks:
        out.print(f"{hooks} hooks kept: `cairn serve` asks their tools within seconds.")
    if left := sum(letter.is_hook for letter in letters) - hooks:
        out.print(f"{left} hooks not kept: of one source 10,000 wait at most. Replay again when fewer do.")


def _way(kept_in: str, source: str) -> str:
    if kept_in == "ledger":
        return f"of {source} -> applied again by delivery, from the ledger"
    return f"-> {source}" if source in REPLAYABLE else f"of {source} -> its tool is asked again by `cairn serve`"


async def _replay(settings: DeadLetterSettings, letters: Sequence[DeadLetter]) -> tuple[int, int, int]:
    """Returns how many went back to their topics, delivery is asked to apply, and are hooks that were kept again."""
    in_ledger = [letter for letter in letters if letter.kept_in == "ledger"]
    hooks = [letter for letter in letters if letter.is_hook]
    in_kafka = [letter for letter in letters if letter.kept_in == "Kafka" and not letter.is_hook]
    if in_kafka:
        await put_back(client_options(settings), in_kafka)
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
        kept = await ask_again(pool, load_queries("intake")["keep_hook"], hooks)
        return len(in_kafka), await ask_delivery(pool, in_ledger), kept
