"""The commands for dead letters: what was refused, one of them in full, and putting them back."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_NO, begin, err, group, out, run
from agents.dead_letters import DeadLetter, put_back, read_dead_letters
from agents.kafka import client_options
from agents.settings import KafkaSettings

dlq = group("dlq", "Dead letters: what was refused, and putting it back.")


async def _collect(settings: KafkaSettings, reason: str | None) -> list[DeadLetter]:
    letters = read_dead_letters(client_options(settings))
    return [letter async for letter in letters if reason in {None, letter.reason}]


@dlq.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many single ones, newest first.")] = 20,
) -> None:
    """Count dead letters by source and reason, and list the newest."""
    letters = run(_collect(begin("dlq", KafkaSettings), reason))
    counts = Table("count", "source", "reason", title=f"{len(letters)} dead letters")
    for (source, why), count in Counter((d.source, d.reason) for d in letters).most_common():
        counts.add_row(str(count), escape(source), escape(why))
    out.print(counts)
    if letters:
        newest = Table("partition", "offset", "refused at", "reason", "detail")
        for letter in sorted(letters, key=lambda d: d.refused_ms, reverse=True)[:limit]:
            newest.add_row(*_row(letter))
        out.print(newest)


def _row(letter: DeadLetter) -> tuple[str, str, str, str, str]:
    at = datetime.fromtimestamp(letter.refused_ms / 1000, tz=UTC).isoformat(timespec="seconds")
    return str(letter.partition), str(letter.offset), at, escape(letter.reason), escape(letter.detail)


@dlq.command("show")
def show_letter(partition: int, offset: int) -> None:
    """Print one dead letter whole; its value may hold contact data."""
    letters = run(_collect(begin("dlq", KafkaSettings), None))
    found = next((d for d in letters if (d.partition, d.offset) == (partition, offset)), None)
    if found is None:
        err.print(f"No dead letter at partition {partition}, offset {offset}: `cairn dlq list` shows them.")
        raise typer.Exit(EXIT_NO)
    out.print(f"from {found.source}: {found.reason}: {found.detail}", markup=False)
    out.print(f"key: {found.key!r}", markup=False)
    for name, value in found.headers:
        out.print(f"{name}: {value!r}", markup=False)
    out.out((found.value or b"").decode(errors="backslashreplace"))


@dlq.command("replay")
def replay_letters(
    *,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, oldest first.")] = 1_000,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would do.")] = False,
) -> None:
    """Put dead letters back on the topic they came from."""
    settings = begin("dlq", KafkaSettings)
    letters = [letter for letter in run(_collect(settings, reason)) if letter.is_replayable][:limit]
    for (source, why), count in Counter((d.source, d.reason) for d in letters).most_common():
        out.print(f"{count} {why} -> {source}", markup=False)
    if not yes:
        out.print(f"Nothing was done: --yes puts these {len(letters)} back.")
        return
    run(put_back(client_options(settings), letters))
    out.print(f"{len(letters)} put back.")
