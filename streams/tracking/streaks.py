"""Streaks: runs of consecutive local days, and the awards that belong to them.

Late days, repairs and pauses may join two runs, an uncheck may split one. An award belongs to every
run that overlaps the days it was given for, and these grow with the runs that hold it; it is
withdrawn only when none of these is long enough, and no split ever awards a second id. A rule that is
reached once holds as long as any run is long enough, so that it does not matter which came first.
"""

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from streams.tracking.awards import HELD, Award, Awards, Hears, Reached, Settled, Slot, Verdict, reach, withdraw
from streams.tracking.counts import thresholds_between
from streams.tracking.days import DaySet, Run, runs_near, runs_of
from streams.tracking.local_days import iso
from streams.tracking.plan import SEPARATOR, PlannedRule


class DayChange(Struct, frozen=True, gc=False):
    """Day sets before and after something was said about the days from `first` to `last`."""

    old: DaySet
    new: DaySet
    first: int
    last: int

    @property
    def only_adds(self) -> bool:
        """Whether days got a check and none lost one, as nearly always: then no run is shorter than before."""
        old, new = self.old, self.new
        return old.base == new.base and not (old.neutral or new.neutral or old.checked & ~new.checked)


def settle_streaks(awards: Awards, rules: Sequence[PlannedRule], per: str, change: DayChange, hears: Hears) -> Settled:
    """The ledger after the days that some rules look at changed; their runs are found once for all of them."""
    after = _near(change.new, change)
    before = () if change.only_adds else _near(change.old, change)
    shorter = [run for run in before if not any(new.covers(run) for new in after)]
    longer = [of_run(run) for run in after]
    verdicts: tuple[Verdict, ...] = ()
    for rule in rules:
        if shorter:
            awards, found = _shorten(awards, Streak(rule, per), change, shorter)
            verdicts += found
        for reached in longer:
            for threshold in thresholds_between(rule, 0, reached.value):
                awards, found = reach(awards, Slot(rule, threshold, per), hears, reached)
                verdicts += found
    return awards, verdicts


class Streak(Struct, frozen=True, gc=False):
    """A rule, and the habit that it looks at."""

    rule: PlannedRule
    per: str


def of_run(run: Run) -> Reached:
    """What is known of a run that is long enough."""
    return Reached(run.length, {"streak_days": run.length, "streak_began_on": iso(run.first)}, run)


def may_reach(awards: Awards, rule: PlannedRule, per: str, run: Run, day: int) -> bool:
    """Whether one more day makes its run long enough for a threshold, or may bring a withdrawn award back."""
    passed = bisect_right(rule.thresholds, run.length)
    if not passed:
        return False
    highest = rule.thresholds[passed - 1]
    if highest > day - run.first and highest > run.last - day:
        return True
    suffix = f"{SEPARATOR}{per}" if per else ""
    for key in rule.slot_keys[:passed]:
        for award in awards.get(key + suffix, ()):
            if not award.mark & HELD:
                return True
    return False


def _near(days: DaySet, change: DayChange) -> tuple[Run, ...]:
    return runs_near(days, change.first, change.last)


def _shorten(awards: Awards, streak: Streak, change: DayChange, shorter: Sequence[Run]) -> Settled:
    """Withdraw what no longer holds, where runs became shorter or were split."""
    verdicts: tuple[Verdict, ...] = ()
    rule = streak.rule
    longest = max(run.length for run in shorter)
    for threshold in thresholds_between(rule, 0, longest):
        slot = Slot(rule, threshold, streak.per)
        for known in awards.get(slot.key, ()):
            if not known.held:
                continue
            award = known.grown_by([run for run in shorter if run.length >= threshold and known.overlaps(run)])
            awards = _with(awards, slot, known, award)
            left = _length_left(rule, change.new, award)
            if left < threshold:
                awards, found = withdraw(awards, slot, award, left)
                verdicts += found
    return awards, verdicts


def _with(awards: Awards, slot: Slot, known: Award, award: Award) -> Awards:
    if known is award:
        return awards
    return {**awards, slot.key: tuple(award if each is known else each for each in awards[slot.key])}


def _length_left(rule: PlannedRule, days: DaySet, award: Award) -> int:
    """The length that an award rests on: of the longest run that it belongs to."""
    own = [run for run in runs_of(days) if not rule.per_streak or award.overlaps(run)]
    return max((run.length for run in own), default=0)
