"""The contest: rounds of each peer over the same events, their milestones judged, and the medians of their times.

Rounds of different peers alternate, every other time in reverse, so that a neighbour who disturbs the machine disturbs
all of them. Milestones are compared with the reference before a time counts: a peer with others is reported and has no
time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from statistics import median

from rich.table import Table

from agents.embedded.child import ChildFailedError
from schemas.milestone_codec import decode_milestone
from schemas.topics import EVENTS, MILESTONES
from tests.benchmarks import stage as stages
from tests.benchmarks.peer import NotMeasuredError, Peer, Run, Speed, run
from tests.benchmarks.reference import Difference, Reference, compare
from tests.benchmarks.roster import ENTRANTS, Entrant, peer_of
from tests.benchmarks.stage import Stage

_COLUMNS = (("events/s", "events_per_second", 0), ("CPU us/event", "cpu_us_per_event", 1), ("peak MB", "peak_mb", 0))
_numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of one peer.

    Attributes:
        speed: None if it did not run to its end, or published other milestones than the reference.
        verdict: what became of it, for people.
        difference: how its milestones differ; None if there are none to compare.
    """

    speed: Speed | None
    verdict: str
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entrant and all its rounds."""

    entrant: Entrant
    rounds: tuple[Round, ...]

    def figures(self) -> Iterator[tuple[str, float]]:
        """The medians, each under the entrant's name; times only if they count in every round."""
        name = self.entrant.name
        speeds = [r.speed for r in self.rounds if r.speed]
        if len(speeds) == len(self.rounds):
            for _, figure, _ in _COLUMNS:
                yield f"{name}_{figure}", median(getattr(speed, figure) for speed in speeds)
            yield f"{name}_measured_seconds", min(speed.seconds for speed in speeds)
        compared = [r.difference for r in self.rounds if r.difference]
        for figure in ("expected", "missing", "duplicated", "wrong") if compared else ():
            yield f"{name}_milestones_{figure}", sum(getattr(each, figure) for each in compared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What all peers run over.

    Attributes:
        ends: how many events each partition of the filled topic holds.
        reference: the milestones that they lead to.
        seconds: how long each round is measured.
    """

    ends: Mapping[int, int]
    reference: Reference
    seconds: float


async def play(
    stage: Stage, course: Course, rounds: int, report: Callable[[str], None], entrants: Iterable[Entrant] = ENTRANTS
) -> tuple[Standing, ...]:
    """Run all rounds of all entrants."""
    line_up = tuple(entrants)
    played: dict[str, list[Round]] = {entrant.name: [] for entrant in line_up}
    for number in range(rounds):
        for entrant in line_up if number % 2 == 0 else reversed(line_up):
            one = await _round(stage, entrant, course)
            played[entrant.name].append(one)
            pace = f"{one.speed.events_per_second:,.0f} events/s for {one.speed.seconds:.0f} s; " if one.speed else ""
            report(f"round {number + 1}: {entrant.name} {pace}{one.verdict}")
    return tuple(Standing(entrant=entrant, rounds=tuple(played[entrant.name])) for entrant in line_up)


async def judge(stage: Stage, entrant: Entrant, course: Course) -> tuple[Run, Difference | None]:
    """Run one round of an entrant, and compare its milestones with the reference if it decides.

    Raises:
        ChildFailedError: it ended or stood still.
        NotMeasuredError: it could not be installed.
    """
    peer = peer_of(entrant, stage, next(_numbers))
    await _prepare(stage, peer)
    ran = await run(stage, peer, sum(course.ends.values()), seconds=course.seconds)
    found = await stages.read_all(stage, peer.output) if peer.decides else []
    if peer.output != MILESTONES:
        await stages.forget(stage, peer.group)
    if not peer.decides:
        return ran, None
    return ran, compare(course.reference, (decode_milestone(r.headers, r.value) for r in found), ran.committed)


def ratios(figures: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """How many times as fast as each peer Cairn is."""
    cairn = figures.get("cairn_events_per_second")
    for entrant in ENTRANTS[1:]:
        other = figures.get(f"{entrant.name}_events_per_second")
        if cairn and other:
            yield f"cairn_to_{entrant.name}_ratio", cairn / other


def table(standings: Iterable[Standing]) -> Table:
    """The peers side by side."""
    rows = Table(title="One process, the same events, the same decisions", title_justify="left")
    for heading in ("peer", "guarantee", *(heading for heading, *_ in _COLUMNS), "milestones"):
        is_text = heading in {"peer", "guarantee", "milestones"}
        rows.add_column(heading, justify="left" if is_text else "right", no_wrap=heading in {"peer", "guarantee"})
    for one in standings:
        name, figures = one.entrant.name, dict(one.figures())
        values = [(figures.get(f"{name}_{figure}"), digits) for _, figure, digits in _COLUMNS]
        speeds = ["not timed" if value is None else f"{value:,.{digits}f}" for value, digits in values]
        rows.add_row(name, one.entrant.guarantee, *speeds, _verdict(one))
    return rows


def _verdict(standing: Standing) -> str:
    """One line if all went well in every round; else each round that did not."""
    bad = sorted({r.verdict.partition("\n")[0] for r in standing.rounds if not r.speed})
    compared = [r.difference.expected for r in standing.rounds if r.difference]
    return "\n".join(bad) or (f"all {sum(compared):,}" if compared else "decides nothing")


async def _round(stage: Stage, entrant: Entrant, course: Course) -> Round:
    try:
        ran, difference = await judge(stage, entrant, course)
        if difference is not None and not difference.is_none:
            return Round(speed=None, verdict=difference.text, difference=difference)
        verdict = "decides nothing" if difference is None else difference.text
        return Round(speed=ran.speed(), verdict=verdict, difference=difference)
    except (ChildFailedError, NotMeasuredError) as error:
        return Round(speed=None, verdict=str(error))


async def _prepare(stage: Stage, peer: Peer) -> None:
    if peer.output == MILESTONES:
        await stages.clear(stage, groups=[peer.group], keep=[EVENTS])
    else:
        await stages.create(stage, peer.output)
