"""`make bench`: every figure in one run, as tables for people and as build/bench.json for programs.

    python -m tests.benchmarks [--quick] [--rounds N] [--clients N] [--only PART]... [--keep]

Exit status 0 if all that is required was met, 1 if not, 3 if a part could not be measured. A part that is left out by
--only, or a peer that has no time, leaves its figures out, and they count as not met; --keep takes them from the last
run.
"""

import argparse
import asyncio
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from rich.console import Console

from agents.embedded.child import ChildFailedError
from schemas.topics import DELIVERY_APP_ID, TRACKER_APP_ID
from tests.benchmarks import (
    contest,
    figures,
    latency,
    load,
    machine,
    parts,
    reference,
    replaying,
    scraping,
    services,
    stage,
)
from tests.benchmarks.parts import Part
from tests.benchmarks.peer import NotMeasuredError

RESULT = Path("build/bench.json")
ALONE = "replay"
SERVED = ("throughput", "latency", "in-app", *parts.NAMES)
PARTS = (ALONE, *SERVED)
_REPLAYED = 1_000_000
_EVENTS, _QUICK_EVENTS = 7_000_000, 3_500_000
_SECONDS, _QUICK_SECONDS = 30.0, 10.0
_GROUPS = (TRACKER_APP_ID, DELIVERY_APP_ID)
_EXIT_FAILED = 3


def main() -> int:
    """Measure, print, write; returns the exit status."""
    arguments = _arguments()
    console = Console()
    wanted = arguments.only or PARTS
    found = figures.read(RESULT) if arguments.keep else {}
    found |= machine.figures()
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as name:
        folder = Path(name)
        failed = asyncio.run(_measure({ALONE: lambda: _replay(folder, arguments)}, wanted, console, found))
        if not set(SERVED).isdisjoint(wanted):
            with stage.servers(folder, console) as servers:
                of_cairn = parts.parts(servers, found, quick=arguments.quick)
                served = _served(servers, arguments, console) | of_cairn
                failed = asyncio.run(_measure(served, wanted, console, found)) or failed
    console.print(figures.table(found))
    figures.write(found, RESULT)
    missed = figures.missed(found)
    console.print(f"{len(found)} figures in {RESULT}; " + (f"missed: {', '.join(missed)}" if missed else "all met"))
    if failed:
        return _EXIT_FAILED
    return 1 if missed else 0


def _served(servers: stage.Stage, arguments: argparse.Namespace, console: Console) -> dict[str, Part]:
    return {
        "throughput": lambda: _throughput(servers, arguments, console),
        "latency": lambda: _latency(servers),
        "in-app": lambda: _in_app(servers),
    }


async def _measure(
    measures: Mapping[str, Part], wanted: Iterable[str], console: Console, found: dict[str, float]
) -> bool:
    """Measure each part that is wanted into `found`; one that fails says why and leaves the others alone.

    Returns:
        Whether one failed.
    """
    failed = False
    for name in (name for name in measures if name in wanted):
        console.print(f"{name} ...")
        try:
            found |= await measures[name]()
            figures.write(found, RESULT)  # what was measured survives a run that is broken off
        except (ChildFailedError, NotMeasuredError) as error:
            failed = True
            console.print(f"{name} was not measured: {error}", style="red", markup=False, highlight=False)
    return failed


async def _replay(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    events = _REPLAYED // 2 if arguments.quick else _REPLAYED
    return await asyncio.to_thread(replaying.replay, folder, events) | replaying.state()


async def _throughput(servers: stage.Stage, arguments: argparse.Namespace, console: Console) -> dict[str, float]:
    log = partial(_log, arguments.clients, _QUICK_EVENTS if arguments.quick else _EVENTS, datetime.now(UTC))
    expected = reference.of(log())
    ends = await stage.fill(servers, log())
    console.print(
        f"{sum(ends.values()):,} events of {arguments.clients:,} clients lead to {len(expected):,} milestones"
    )
    course = contest.Course(ends=ends, reference=expected, seconds=_QUICK_SECONDS if arguments.quick else _SECONDS)
    standings = await contest.play(servers, course, arguments.rounds, _saying(console))
    console.print(contest.table(standings))
    found = dict(figure for standing in standings for figure in standing.figures())
    return found | dict(contest.ratios(found))


def _log(clients: int, events: int, today: datetime) -> Iterator[load.Sent]:
    """The log for some clients, so long that the fastest peer does not reach its end before it is measured."""
    steady_days = math.ceil(events / clients / load.EVENTS_PER_CLIENT_AND_DAY)
    log = load.log(steady_days=steady_days, partitions=stage.PARTITIONS, today=today, clients=clients)
    return islice(log, events)


async def _latency(servers: stage.Stage) -> dict[str, float]:
    await stage.clear(servers, groups=_GROUPS)
    async with services.running(servers, "track"):
        found = _percentiles("milestone", await latency.to_milestone(servers))
        shown = await asyncio.to_thread(scraping.scrape, servers, "track")
        return found | {"milestone_records_per_batch": scraping.records_per_batch({}, shown)}


async def _in_app(servers: stage.Stage) -> dict[str, float]:
    await stage.clear(servers, groups=_GROUPS)
    async with services.running(servers, "track", "deliver"):
        return _percentiles("in_app", await latency.to_in_app(servers))


def _percentiles(name: str, milliseconds: list[float]) -> dict[str, float]:
    return {f"{name}_p{percent}_ms": latency.percentile(milliseconds, percent) for percent in (50, 99)}


def _saying(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, markup=False, highlight=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Figures beside their peers, in one run.")
    parser.add_argument("--quick", action="store_true", help="one round over half of the events")
    parser.add_argument("--rounds", type=int, help="rounds of each peer; 3, or 1 with --quick")
    parser.add_argument("--clients", type=int, default=load.CLIENTS, help="of the contest's log; 10,000")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part alone")
    parser.add_argument("--keep", action="store_true", help="keep what the last run measured and this one does not")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
