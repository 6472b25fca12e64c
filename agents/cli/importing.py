"""The command that brings older events in: `cairn import`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, out, run
from agents.history_import import ImportJob, ImportRunningError, import_history
from agents.import_checkpoint import CheckpointRefusedError, Progress
from agents.import_lines import LinePreparer
from agents.import_survey import Survey, survey
from agents.kafka import client_options
from agents.progress import ProgressBar
from agents.settings import KafkaSettings, Settings

EXIT_INTERRUPTED = 130
_RATE = 1_000


@app.command("import")
def import_events(
    file: Annotated[Path, typer.Argument(help="JSON Lines of CloudEvents.", exists=True, dir_okay=False)],
    *,
    tenant: Annotated[str, typer.Option(help="Whose history it is; fills in a missing tenantid.")],
    live: Annotated[bool, typer.Option("--live", help="Celebrate what it reaches; without, it is silent.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what stands in the file.")] = False,
    rate: Annotated[int, typer.Option(min=1, max=100_000, help="Events a second, at most.")] = _RATE,
    rejects: Annotated[
        Path | None, typer.Option(help="Where bad lines go; FILE.rejected.jsonl beside the file without.")
    ] = None,
) -> None:
    """Bring older events in from a file; run again after an interruption, it goes on from there."""
    settings = begin("import", Settings if dry_run else KafkaSettings, logs=sys.stderr)
    preparer = LinePreparer(tenant=tenant, live=live, now=settings.clock.now())
    if not isinstance(settings, KafkaSettings):
        raise typer.Exit(_dry_run(file, preparer))
    job = ImportJob(
        file=file,
        rejects=rejects or file.with_name(f"{file.stem}.rejected.jsonl"),
        preparer=preparer,
        rate=rate,
    )
    try:
        raise typer.Exit(_import(settings, job))
    except (ImportRunningError, CheckpointRefusedError) as error:
        err.print(str(error), markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID) from None
    except KeyboardInterrupt:
        err.print("Interrupted: the same command goes on from here.", highlight=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _import(settings: KafkaSettings, job: ImportJob) -> int:
    began_at = time.monotonic()
    first: list[int] = []
    with ProgressBar(f"Importing {job.file.name}", err, total=job.file.stat().st_size) as bar:

        def show(progress: Progress) -> None:
            first[:] = first or [progress.imported]
            a_second = (progress.imported - first[0]) / max(time.monotonic() - began_at, 0.001)
            bar.show(progress.offset, f"{progress.imported} events, {a_second:.0f}/s")

        before, after = run(import_history(client_options(settings), job, show))
    if before == after and after.lines:
        out.print(f"Nothing was left to do: all {after.lines} lines were imported before.", highlight=False)
        out.print(
            f"To import the file once more, delete {job.checkpoint}.", markup=False, highlight=False, soft_wrap=True
        )
    elif before.lines:
        out.print(f"Went on after line {before.lines}.", highlight=False)
    out.print(f"{after.imported} events imported, {after.rejected} lines rejected.", highlight=False)
    if after.rejected:
        err.print(f"The rejected lines are in {job.rejects}, each with its reason.", markup=False, soft_wrap=True)
    return EXIT_NO if after.rejected else 0


def _dry_run(file: Path, preparer: LinePreparer) -> int:
    with ProgressBar(f"Reading {file.name}", err, total=file.stat().st_size) as bar:
        found = survey(file, preparer, bar.show)
    _show(found, preparer)
    return EXIT_NO if found.reasons else 0


def _show(found: Survey, preparer: LinePreparer) -> None:
    types = Table("events", "type")
    for name, count in found.types.most_common():
        types.add_row(str(count), name)
    out.print(types)
    manner = "and celebrated" if preparer.live else "in silence"
    out.print(
        f"{found.types.total()} events of {len(found.clients)} clients would be imported, {manner}.",
        highlight=False,
        soft_wrap=True,
    )
    if found.span:
        first, last = (at.isoformat() for at in found.span)
        out.print(f"The first happened at {first}, the last at {last}.", highlight=False, soft_wrap=True)
    for reason, count in found.reasons.most_common():
        out.print(f"{count} lines would be rejected: {reason}", markup=False, highlight=False)
    for number, refusal in found.examples:
        err.print(f"line {number}: {refusal}", markup=False, highlight=False, soft_wrap=True)
