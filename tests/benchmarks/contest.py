"""The contest: which peers there are, how a round of each begins, and the medians of their rounds.

Rounds of different peers alternate, so that a neighbour who disturbs the machine disturbs all of them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from schemas.milestone_codec import decode_milestone
from schemas.topics import EVENTS, MILESTONES
from tests.benchmarks import stage as stages
from tests.benchmarks.peer import Peer, Speed, run
from tests.benchmarks.reference import Difference, Reference, compare
from tests.benchmarks.stage import PARTITIONS, Stage
from tests.benchmarks.tracking import tracker

_SLOW_SECONDS = 25.0
_SPEEDS = (("events_per_second", 0), ("cpu_us_per_event", 1), ("peak_mb", 0))
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of one peer measured, and how its milestones differ; None if it publishes none."""

    speed: Speed
    difference: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A peer and all its rounds."""

    peer: Peer
    rounds: tuple[Round, ...]

    def figures(self) -> Iterator[tuple[str, float]]:
        """The medians, each under the peer's name."""
        name = self.peer.name
        yield f"{name}_events_per_second", median(r.speed.events_per_second for r in self.rounds)
        yield f"{name}_cpu_us_per_event", median(r.speed.cpu_us_per_event for r in self.rounds)
        yield f"{name}_peak_mb", median(r.speed.peak_mb for r in self.rounds)
        compared = [r.difference for r in self.rounds if r.difference]
        if compared:
            yield f"{name}_milestones_expected", sum(d.expected for d in compared)
            yield f"{name}_milestones_missing", sum(d.missing for d in compared)
            yield f"{name}_milestones_duplicated", sum(d.duplicated for d in compared)
            yield f"{name}_milestones_wrong", sum(d.wrong for d in compared)


async def play(
    stage: Stage, ends: Mapping[int, int], reference: Reference, rounds: int, report: Callable[[str], None]
) -> tuple[Standing, ...]:
    """Run all rounds of all peers over the filled events topic."""
    played: dict[str, list[Round]] = {}
    peers: dict[str, Peer] = {}
    for number in range(rounds):
        for peer in _peers(stage, number):
            peers[peer.name] = peer
            one = await _round(stage, peer, ends, reference)
            played.setdefault(peer.name, []).append(one)
            verdict = f"; milestones: {one.difference.text}" if one.difference else ""
            report(f"round {number + 1}: {peer.name} {one.speed.events_per_second:,.0f} events/s{verdict}")
    return tuple(Standing(peer=peers[name], rounds=tuple(of_peer)) for name, of_peer in played.items())


def table(standings: Iterable[Standing]) -> Table:
    """The peers side by side."""
    rows = Table(title="One process, the same events, the same decisions", title_justify="left")
    for heading in ("peer", "guarantee", "events/s", "CPU us/event", "peak MB", "milestones"):
        is_text = heading in {"peer", "guarantee", "milestones"}
        rows.add_column(heading, justify="left" if is_text else "right", no_wrap=heading in {"peer", "guarantee"})
    for one in standings:
        figures = {name.removeprefix(f"{one.peer.name}_"): value for name, value in one.figures()}
        speeds = [f"{figures[name]:,.{digits}f}" for name, digits in _SPEEDS]
        verdicts = {r.difference.text for r in one.rounds if r.difference} or {"decides nothing"}
        rows.add_row(one.peer.name, one.peer.guarantee, *speeds, "\n".join(sorted(verdicts)))
    return rows


def _peers(stage: Stage, number: int) -> tuple[Peer, ...]:
    return (
        tracker(stage),
        _faust(stage, f"faust-{number}", "faust", "at_least_once"),
        _faust(stage, f"faust-eo-{number}", "faust_exactly_once", "exactly_once"),
        _foreign(
            stage, f"bare-loop-{number}", ("bare_loop",), name="bare_loop", guarantee="exactly_once", decides=False
        ),
    )


def _faust(stage: Stage, app: str, name: str, guarantee: str) -> Peer:
    arguments = ("faust_manual", "worker", "--loglevel", "warn", "--without-web")
    return _foreign(stage, app, arguments, name=name, guarantee=guarantee, decides=True, seconds=_SLOW_SECONDS)


def _foreign(stage: Stage, app: str, arguments: tuple[str, ...], **rest: Any) -> Peer:
    """A peer of `tests.benchmarks.peers`, under an application id of its own, so that it begins anew."""
    module, *others = arguments
    output = f"bench.{app}.milestones"
    env = {
        **stage.env,
        "PYTHONPATH": str(_ROOT),
        "BENCH_KAFKA": stage.kafka,
        "BENCH_APP": app,
        "BENCH_MILESTONES": output,
        "BENCH_GUARANTEE": rest["guarantee"],
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_FOLDER": str(stage.folder / app),
    }
    argv = (sys.executable, "-m", f"tests.benchmarks.peers.{module}", *others)
    return Peer(group=app, output=output, argv=argv, env=env, **rest)


async def _round(stage: Stage, peer: Peer, ends: Mapping[int, int], reference: Reference) -> Round:
    if peer.output == MILESTONES:
        await stages.clear(stage, groups=[peer.group], keep=[EVENTS])
    else:
        await stages.create(stage, peer.output)
    speed = await run(stage, peer, sum(ends.values()))
    if not peer.decides:
        return Round(speed=speed, difference=None)
    found = [decode_milestone(r.headers, r.value) for r in await stages.read_all(stage, peer.output)]
    return Round(speed=speed, difference=compare(reference, found, speed.committed))
