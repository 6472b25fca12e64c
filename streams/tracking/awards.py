"""The award ledger: which thresholds a client holds, so that none is ever awarded twice.

It is asked before anything is emitted. An award that no longer holds is withdrawn and keeps
its place: reaching the threshold again takes the same id and the next revision. Whether an award
is told is decided when it is first reached, and holds for all that follows from it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.tracking.days import Run
from streams.tracking.local_days import iso
from streams.tracking.plan import SEPARATOR, Number, PlannedRule

Hears = Callable[[PlannedRule], bool]
"""Whether what is first reached now is emitted for a rule."""

HELD, TOLD, FIRST = 1, 2, 4

Span = tuple[int, int]
"""A first day, counted from 1970, and how many days."""


class Award(Struct, frozen=True, array_like=True):
    """One award of a threshold.

    Attributes:
        mark: the revision of the last `reached` (1 at first), times four; plus HELD until it is
            withdrawn, plus TOLD unless it was first reached in silence.
        run: the days that it was first given for (streaks): the first, which is part of the id, and how
            many; then those of the runs that have held it since, if they are others.
    """

    mark: int = FIRST | HELD | TOLD
    run: tuple[int, ...] | None = None

    @property
    def revision(self) -> int:
        """The revision of the last `reached`."""
        return self.mark // FIRST

    @property
    def held(self) -> bool:
        """False once it was withdrawn."""
        return bool(self.mark & HELD)

    @property
    def told(self) -> bool:
        """False if it was first reached in silence: then nothing about it is ever emitted."""
        return bool(self.mark & TOLD)

    @property
    def days(self) -> Span:
        """The days that it was given for."""
        return (self.run[-2], self.run[-1]) if self.run else (0, 0)

    def overlaps(self, run: Run) -> bool:
        """Whether it was given for days of a run."""
        return run.overlaps(*self.days)

    def grown_by(self, runs: Sequence[Run]) -> "Award":
        """The award with the days of runs that hold it."""
        days = self.days
        for run in runs:
            first, end = min(days[0], run.first), max(sum(days), run.last + 1)
            days = (first, end - first)
        return self if days == self.days else replace(self, run=(*(self.run or ())[:2], *days))


Awards = dict[str, tuple[Award, ...]]


class Slot(Struct, frozen=True, gc=False):
    """A place in the ledger: one threshold of a rule for one `per` value, or one date."""

    rule: PlannedRule
    threshold: Number | None
    per: str = ""

    @property
    def key(self) -> str:
        """Its name in the state."""
        threshold = "" if self.threshold is None else self.threshold
        per = f"{SEPARATOR}{self.per}" if self.per else ""
        return f"{self.rule.id}{SEPARATOR}{threshold}{per}"

    def occurrence(self, award: Award) -> str:
        """The part of a milestone's id that tells repetitions apart."""
        days = (iso(award.run[0]),) if award.run else ()
        parts = (self.per, *days) if self.per else days
        return "/".join(parts) or "once"


class Verdict(NamedTuple):
    """A threshold that is reached or withdrawn now.

    Attributes:
        details: facts that only this kind of rule knows.
        at_ms: when it was crossed, if not now.
    """

    slot: Slot
    award: Award
    value: Number
    details: Mapping[str, Any] = {}
    at_ms: int | None = None


Settled = tuple[Awards, tuple[Verdict, ...]]
"""The ledger after something happened, and what is reached or withdrawn by it."""


class Reached(NamedTuple):
    """What is known of a threshold that is crossed upwards."""

    value: Number
    details: Mapping[str, Any] = {}
    run: Run | None = None
    at_ms: int | None = None


def reach(awards: Awards, slot: Slot, hears: Hears, what: Reached) -> Settled:
    """The ledger after a threshold is crossed upwards.

    Awards that belong to the same days (for a rule of every run: that overlap the run; for a rule
    that is reached once: any) are the same award, whatever became of them: those that were withdrawn
    hold again, and no other is given.
    """
    known, run = awards.get(slot.key, ()), what.run
    every_run = run is not None and slot.rule.per_streak
    same = [award for award in known if not every_run or (run and award.overlaps(run))]
    if not same:
        award = Award(
            mark=FIRST | HELD | TOLD * hears(slot.rule),
            run=None if run is None else (run.first, run.last - run.first + 1),
        )
        return {**awards, slot.key: (*known, award)}, (_verdict(slot, award, what),)
    verdicts: tuple[Verdict, ...] = ()
    for award in same:
        if not award.held:
            awards, found = hold_again(awards, slot, award, what)
            verdicts += found
    return awards, verdicts


def hold_again(awards: Awards, slot: Slot, award: Award, what: Reached) -> Settled:
    """The ledger in which a withdrawn award holds again, with the next revision."""
    again = replace(award, mark=(award.mark | HELD) + FIRST)
    again = again if what.run is None else again.grown_by([what.run])
    ledger = tuple(again if each is award else each for each in awards[slot.key])
    return {**awards, slot.key: ledger}, (_verdict(slot, again, what),)


def withdraw(awards: Awards, slot: Slot, award: Award, value: Number) -> Settled:
    """The ledger after an award no longer holds."""
    fallen = replace(award, mark=award.mark & ~HELD)
    ledger = tuple(fallen if each is award else each for each in awards[slot.key])
    return {**awards, slot.key: ledger}, (Verdict(slot, fallen, value),)


def forget_reaching(awards: Awards, verdict: Verdict) -> Awards:
    """The ledger in which an award, withdrawn before it was ever emitted, was not reached that time."""
    key, award = verdict.slot.key, verdict.award
    before = () if award.revision == 1 else (replace(award, mark=award.mark - FIRST),)
    ledger = tuple(kept for each in awards[key] for kept in (before if each == award else (each,)))
    return {**awards, key: ledger} if ledger else {other: held for other, held in awards.items() if other != key}


def _verdict(slot: Slot, award: Award, what: Reached) -> Verdict:
    return Verdict(slot, award, what.value, what.details, what.at_ms)
