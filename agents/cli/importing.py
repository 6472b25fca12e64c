"""The command that brings older events in: `cairn import`."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, out, run
from agents.cli.import_tables import is_agreed, is_table, open_format, show_preview, with_people
from agents.cli.tenant_option import refuse_unknown
from agents.engine import collector
from agents.history_import import ImportJob, ImportRunningError, import_history
from agents.import_checkpoint import CheckpointRefusedError, Progress
from agents.import_format import Format
from agents.import_lines import LinePreparer
from agents.import_survey import Survey, survey
from agents.kafka import client_options
from agents.progress import ProgressBar
from agents.rejects import is_of_rejects
from agents.settings import ImportPlace, ImportSettings, KafkaSettings, Settings, read
from agents.table_file import TableErrors
from agents.tenants import tenant_folders

EXIT_INTERRUPTED = 130
_RATE = 1_000


@app.command("import")
def import_events(  # noqa: PLR0913 - an option each
    file: Annotated[
        Path, typer.Argument(help="JSON Lines of CloudEvents, or a table as CSV.", exists=True, dir_okay=False)
    ],
    *,
    tenant: Annotated[str, typer.Option(help="Whose history it is; fills in a missing tenantid.")],
    mapping: Annotated[
        Path | None, typer.Option(help="What a table's columns mean; guessed without.", exists=True, dir_okay=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send what was guessed, without asking.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Celebrate what it reaches; without, it is silent.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what stands in the file.")] = False,
    rate: Annotated[int, typer.Option(min=1, max=100_000, help="Events a second, at most.")] = _RATE,
    rejects: Annotated[
        Path | None, typer.Option(help="Where bad lines go; FILE.rejected.jsonl beside the file without.")
    ] = None,
) -> None:
    """Bring older events in from a file; run again after an interruption, it goes on from there."""
    rejects = rejects or file.with_name(f"{file.stem}.rejected.jsonl")
    _check(file, tenant, rejects)
    try:
        form, needed = _opened(file, mapping, tenant, live=live, dry_run=dry_run, yes=yes)
        settings = begin("import", needed, logs=sys.stderr)
        if not isinstance(settings, KafkaSettings):
            raise typer.Exit(_dry_run(file, form))
        job = ImportJob(
            file=file,
            rejects=rejects,
            format=form,
            rate=rate,
        )
        raise typer.Exit(_import(settings, job))
    except (ImportRunningError, CheckpointRefusedError, TableErrors) as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_INVALID) from None
    except KeyboardInterrupt:
        err.print("Interrupted: the same command goes on from here.", highlight=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _check(file: Path, tenant: str, rejects: Path) -> None:
    """Refuse what would be done to the wrong file, or for nobody.

    Raises:
        typer.BadParameter: with what to correct.
    """
    folder = read(ImportPlace).tenants_dir
    if folder is not None:
        refuse_unknown(tenant_folders(folder), tenant)
    if not file.is_file():
        raise typer.BadParameter("is read more than once: save it as a file first", param_hint="FILE")
    if not is_of_rejects(rejects):
        raise typer.BadParameter(f"{rejects} is there and holds something else: name another", param_hint="--rejects")


def _opened(
    file: Path, mapping: Path | None, tenant: str, *, live: bool, dry_run: bool, yes: bool
) -> tuple[Format, type[Settings]]:
    """The file's format, and the settings that importing it so needs.

    Raises:
        TableErrors: a table or its mapping cannot be used.
        typer.Exit: nobody agreed to what was guessed.
    """
    now = read(Settings).clock.now()
    if not is_table(file, mapping):
        return LinePreparer(tenant=tenant, live=live, now=now), Settings if dry_run else KafkaSettings
    opened = open_format(file, mapping, tenant=tenant, live=live, now=now)
    if opened.is_guessed or dry_run:
        show_preview(opened)
    if dry_run:
        return opened.form, Settings
    if not is_agreed(opened, yes=yes):
        err.print("Nothing was sent: --yes sends what was guessed, --mapping says it better.", highlight=False)
        raise typer.Exit(EXIT_NO)
    return opened.form, ImportSettings if opened.needs_ledger else KafkaSettings


def _import(settings: KafkaSettings, job: ImportJob) -> int:
    collector.hold_back()  # a third of the time would go to walking through what is alive as long as the command
    began_at = time.monotonic()
    first: list[int] = []
    with ProgressBar(f"Importing {job.file.name}", err, total=job.file.stat().st_size) as bar:

        def show(progress: Progress) -> None:
            done = progress.imported + progress.profiles
            first[:] = first or [done]
            a_second = (done - first[0]) / max(time.monotonic() - began_at, 0.001)
            bar.show(progress.offset, f"{progress.imported} events, {progress.profiles} profiles, {a_second:.0f}/s")

        before, after = run(_with_ledger(settings, job, show))
    if before == after and after.lines:
        out.print(f"Nothing was left to do: all {after.lines} lines were imported before.", highlight=False)
        out.print(
            f"To import the file once more, delete {job.checkpoint}.", markup=False, highlight=False, soft_wrap=True
        )
    elif before.lines:
        out.print(f"Went on after line {before.lines}.", highlight=False)
    profiles = f"{after.profiles} profiles published, " if after.profiles else ""
    out.print(f"{after.imported} events imported, {profiles}{after.rejected} lines rejected.", highlight=False)
    if after.rejected:
        err.print(f"The rejected lines are in {job.rejects}, each with its reason.", markup=False, soft_wrap=True)
    return EXIT_NO if after.rejected else 0


async def _with_ledger(
    settings: KafkaSettings, job: ImportJob, show: Callable[[Progress], object]
) -> tuple[Progress, Progress]:
    async with with_people(job.format, settings) as form:
        return await import_history(client_options(settings), replace(job, format=form), show)


def _dry_run(file: Path, form: Format) -> int:
    with ProgressBar(f"Reading {file.name}", err, total=file.stat().st_size) as bar:
        found = survey(file, form, bar.show)
    _show(found, form)
    return EXIT_NO if found.reasons else 0


def _show(found: Survey, form: Format) -> None:
    types = Table("events", "type")
    for name, count in found.types.most_common():
        types.add_row(str(count), name)
    out.print(types)
    manner = "and celebrated" if form.live else "in silence"
    out.print(
        f"{found.types.total()} events of {len(found.clients)} clients would be imported, {manner}.",
        highlight=False,
        soft_wrap=True,
    )
    if found.profiled:
        out.print(f"{len(found.profiled)} clients' profiles would be told of.", highlight=False)
    if found.span:
        first, last = (at.isoformat() for at in found.span)
        out.print(f"The first happened at {first}, the last at {last}.", highlight=False, soft_wrap=True)
    for reason, count in found.reasons.most_common():
        out.print(f"{count} lines would be rejected: {reason}", markup=False, highlight=False)
    for number, refusal in found.examples:
        err.print(f"line {number}: {refusal}", markup=False, highlight=False, soft_wrap=True)
