"""`make chaos`: faults under load, an independent check, a table for people and build/chaos.json for programs.

    python -m tests.chaos [--long] [--row NAME] [--seed N] [--events-per-second N] [--resume]

Exit status 0 if every promise was kept, 1 if not, 3 if something could not be measured. Ctrl-C ends everything that
was started; `--resume` goes on with the rows that are left. Logs and data of the last run stay in build/chaos.
"""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from tests.chaos import peer_run, play, report, world
from tests.chaos.outcome import Outcome, joined
from tests.chaos.progress import Course, Progress, resumed
from tests.chaos.row import Row
from tests.chaos.rows import ROWS

FOLDER = Path("build/chaos")
RESULT = Path("build/chaos.json")
_PART_CYCLES = 20
_EXIT_FAILED = 3
_LOG_COLUMNS = 160


def main() -> int:
    """Play, print, write; returns the exit status."""
    arguments = _arguments()
    console = Console() if sys.stdout.isatty() else Console(width=_LOG_COLUMNS)
    course = Course(seed=arguments.seed, events_per_second=arguments.events_per_second, long=arguments.long)
    path = FOLDER / "progress.json"
    try:
        progress = resumed(path, course) if arguments.resume else Progress(path=path, course=course)
    except (OSError, ValueError) as error:
        console.print(f"There is nothing to go on with: {error}", style="red", markup=False)
        return _EXIT_FAILED
    rows = [row for row in ROWS if not arguments.row or row.name in arguments.row]
    try:
        asyncio.run(_play(rows, progress, console))
        peer = None if arguments.row else asyncio.run(_peer(progress, console))
    except KeyboardInterrupt:
        console.print("Interrupted: --resume goes on with what is left.")
        return _EXIT_FAILED
    return _conclude(progress, peer, console)


def _conclude(progress: Progress, peer: Outcome | None, console: Console) -> int:
    outcomes = [each for each in progress.outcomes.values() if each is not peer]
    course = progress.course
    console.print(report.table(joined(outcomes), f"Cairn, seed {course.seed}"))
    if peer is not None:
        console.print(report.table([peer], "Faust as in its manual, at_least_once, the same checker"))
    report.write(course, outcomes, peer, RESULT)
    console.print(f"{RESULT} holds all numbers, {FOLDER} the logs. One row again: --row NAME --seed {course.seed}")
    if not all(each.is_measured for each in (*outcomes, *([peer] if peer else []))):
        return _EXIT_FAILED
    return 0 if all(each.is_good for each in outcomes) else 1


async def _play(rows: list[Row], progress: Progress, console: Console) -> None:
    """Play what is left; after a failure of the harness or a broken promise the rest gets a new world."""
    left = [
        part for part in _parts(rows, long=progress.course.long) if f"{part[0].name}/{part[1]}" not in progress.outcomes
    ]
    worlds = 0
    while left:
        worlds += 1
        folder = FOLDER / f"world-{worlds}"
        shutil.rmtree(folder, ignore_errors=True)
        async with AsyncExitStack() as stack:
            around = await stack.enter_async_context(world.opened(folder, console))
            theatre = await stack.enter_async_context(play.opened(around))
            await _play_in(theatre, left, progress, console)


async def _play_in(
    theatre: play.Theatre, left: list[tuple[Row, int, int]], progress: Progress, console: Console
) -> None:
    course = progress.course
    while left:
        row, part, cycles = left.pop(0)
        name = f"{row.name}/{part}"
        try:
            outcome = await theatre.play(
                row,
                seed=course.seed,
                rate=course.events_per_second,
                cycles=cycles,
                part=part,
                tell=_telling(console, name, row.injects),
            )
        except play.FAILED as error:
            console.print(f"{name} could not be measured: {error}", style="red", markup=False, highlight=False)
            progress.add(Outcome(row=row.name, part=part, complaints=(f"not measured: {type(error).__name__}",)))
            return
        progress.add(outcome)
        console.print(f"{name}: {'kept' if outcome.is_good else outcome.objections}", markup=False, highlight=False)
        if outcome.verdict is None or outcome.verdict.breaches or outcome.complaints:
            return  # what it left behind must not be held against the next row
    parts = sum(each.row == report.AFTERWARDS for each in progress.outcomes.values())
    progress.add(Outcome(row=report.AFTERWARDS, part=parts + 1, verdict=await theatre.judge_all()))


async def _peer(progress: Progress, console: Console) -> Outcome:
    """The peer's outcome, from the progress of an interrupted run if it is there."""
    known = progress.outcomes.get(f"{peer_run.NAME}/1")
    if known is not None:
        return known
    folder = FOLDER / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    tell = _telling(console, peer_run.NAME, f"SIGKILL of one of two workers, {peer_run.KILLS} times")
    try:
        found = await peer_run.run(folder, console, progress.course.seed, tell)
    except play.FAILED as error:
        console.print(f"The peer could not be measured: {error}", style="red", markup=False, highlight=False)
        return Outcome(row=peer_run.NAME)
    progress.add(found)
    return found


def _parts(rows: list[Row], *, long: bool) -> Iterator[tuple[Row, int, int]]:
    """Rows of many cycles come in parts: each is judged by itself, and a run goes on from there."""
    for row in rows:
        cycles = row.long_cycles if long and row.long_cycles else row.cycles
        for number, begin in enumerate(range(0, cycles, _PART_CYCLES), 1):
            yield row, number, min(_PART_CYCLES, cycles - begin)


def _telling(console: Console, name: str, injects: str) -> Callable[[str], None]:
    console.print(f"{name}: {injects}", markup=False, highlight=False)
    return lambda text: console.print(f"  {name}: {text}", markup=False, highlight=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description="Faults under load, and an independent check.")
    parser.add_argument("--long", action="store_true", help="200 kills and 40 stops of trackers, and more of the rest")
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="play this row alone")
    parser.add_argument("--seed", type=int, default=1, help="decides the load and all that is left to chance")
    parser.add_argument("--events-per-second", type=float, default=3_000.0, help="the load")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same arguments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
