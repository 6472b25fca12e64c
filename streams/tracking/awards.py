"""The award ledger: which thresholds a client holds, so that none is ever awarded twice.

It is asked before anything is emitted. An award that no longer holds is withdrawn and keeps
its place: reaching the threshold again takes the same id and the next revision. What was
first reached in silence stays silent in everything that follows from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.tracking.local_days import iso
from streams.tracking.plan import SEPARATOR, PlannedRule


class Award(Struct, frozen=True, array_like=True):
    """One award of a threshold.

    Attributes:
        revision: of the last `reached`; 1 at first.
        held: False once it was withdrawn.
        told: False if the first `reached` was silent: then nothing about it is ever emitted.
        run: the first day and the length of the run that it was given for (streaks); the
            first day is part of the id.
    """

    revision: int = 1
    held: bool = True
    told: bool = True
    run: tuple[int, int] | None = None

    def overlaps(self, other: "Award") -> bool:
        """Whether both were given for a run that has a day in common."""
        mine, theirs = self.run or (0, 0), other.run or (0, 0)
        return mine[0] < sum(theirs) and theirs[0] < sum(mine)


Awards = dict[str, tuple[Award, ...]]


class Verdict(NamedTuple):
    """A threshold that is reached or withdrawn now.

    Attributes:
        told: whether it is emitted.
        details: facts that only this kind of rule knows.
    """

    rule: PlannedRule
    threshold: int
    occurrence: str
    revision: int
    reached: bool
    told: bool
    value: float
    details: Mapping[str, Any]


class Slot(Struct, frozen=True, gc=False):
    """A place in the ledger: one threshold of a rule for one `per` value."""

    rule: PlannedRule
    threshold: int
    per: str

    @property
    def key(self) -> str:
        """Its name in the state."""
        per = f"{SEPARATOR}{self.per}" if self.per else ""
        return f"{self.rule.id}{SEPARATOR}{self.threshold}{per}"

    def occurrence(self, award: Award) -> str:
        """The part of a milestone's id that tells repetitions apart."""
        days = (iso(award.run[0]),) if award.run else ()
        parts = (self.per, *days) if self.per else days
        return "/".join(parts) or "once"


Settled = tuple[Awards, tuple[Verdict, ...]]
"""The ledger after something happened, and what is reached or withdrawn by it."""


def reach(
    awards: Awards, slot: Slot, fresh: Award, *, value: float, details: Mapping[str, Any], silent: bool
) -> Settled:
    """The ledger after a threshold is crossed upwards.

    An award that belongs to the same days (for a rule of every run: that overlaps the run of
    `fresh`; for a rule that is reached once: any) is the same award, whatever became of it.
    """
    known = awards.get(slot.key, ())
    same = next((award for award in known if _is_same(slot.rule, award, fresh)), None)
    if same is None:
        award = replace(fresh, told=not silent)
        ledger = (*known, award)
    elif same.held:
        return awards, ()
    else:
        run = same.run and fresh.run and (same.run[0], max(sum(same.run), sum(fresh.run)) - same.run[0])
        award = replace(same, held=True, revision=same.revision + 1, run=run)
        ledger = tuple(award if each is same else each for each in known)
    return {**awards, slot.key: ledger}, (_verdict(slot, award, value=value, details=details, silent=silent),)


def withdraw(awards: Awards, slot: Slot, standing: Sequence[Award], *, value: float, silent: bool) -> Settled:
    """The ledger after a number fell below a threshold; awards that are `standing` keep holding."""
    known = awards.get(slot.key, ())
    ledger = tuple(replace(award, held=False) if award.held and award not in standing else award for award in known)
    fallen = [new for new, old in zip(ledger, known, strict=True) if new is not old]
    if not fallen:
        return awards, ()
    verdicts = tuple(_verdict(slot, award, value=value, details={}, silent=silent) for award in fallen)
    return {**awards, slot.key: ledger}, verdicts


def _verdict(slot: Slot, award: Award, *, value: float, details: Mapping[str, Any], silent: bool) -> Verdict:
    return Verdict(
        rule=slot.rule,
        threshold=slot.threshold,
        occurrence=slot.occurrence(award),
        revision=award.revision,
        reached=award.held,
        told=award.told and not silent,
        value=value,
        details=details,
    )


def _is_same(rule: PlannedRule, known: Award, fresh: Award) -> bool:
    return not rule.per_streak or known.overlaps(fresh)
