"""Streaks: runs of consecutive local days, and the awards that belong to them.

Late days may join two runs, an uncheck may split one. An award keeps its id and belongs to
every run that overlaps the days it was given for; it is withdrawn only when none of these
is long enough, and no join or uncheck ever awards a second id. A rule that is reached once
holds as long as any run is long enough, so that it does not matter which came first.
"""

from collections.abc import Mapping

from msgspec import Struct

from streams.tracking.awards import Award, Awards, Settled, Slot, Verdict, reach, withdraw
from streams.tracking.counts import thresholds_between
from streams.tracking.days import longest_run, run_around, runs
from streams.tracking.habits import Habit
from streams.tracking.local_days import iso
from streams.tracking.plan import PlannedRule


class DayChange(Struct, frozen=True, gc=False):
    """Day sets before and after something was said about days.

    Attributes:
        base: the day that bit 0 of both sets stands for.
        bit: of the last day that was spoken of.
    """

    base: int
    old: int
    new: int
    bit: int

    @property
    def gained(self) -> int:
        """1 if the last day is newly set, -1 if it is newly cleared, 0 if it is as it was."""
        return (self.new >> self.bit & 1) - (self.old >> self.bit & 1)


def settle_streak(awards: Awards, rule: PlannedRule, per: str, change: DayChange, *, silent: bool) -> Settled:
    """The ledger after the days that a rule looks at changed."""
    if change.old == change.new:
        return awards, ()
    if change.new >> change.bit & 1:
        return _settle_longer(awards, rule, per, change, silent=silent)
    return _settle_shorter(awards, rule, per, change, silent=silent)


def change_of(before: Habit | None, after: Habit, day: int) -> DayChange:
    """The change of one habit's days; `day` is the last that was spoken of."""
    old = before.bits() << (before.base - after.base) if before else 0
    return DayChange(after.base, old, after.bits(), day - after.base)


def change_of_any(rule: PlannedRule, before: Mapping[str, Habit], after: Mapping[str, Habit], day: int) -> DayChange:
    """The change of the days on which any habit that a rule allows has a check."""
    allowed = [name for name in after if rule.habits is None or name in rule.habits]
    base = min(after[name].base for name in allowed)
    sets = [0, 0]
    for place, habits in enumerate((before, after)):
        for habit in (habits[name] for name in allowed if name in habits):
            sets[place] |= habit.bits() << (habit.base - base)
    return DayChange(base, sets[0], sets[1], day - base)


def _settle_longer(awards: Awards, rule: PlannedRule, per: str, change: DayChange, *, silent: bool) -> Settled:
    if change.new.bit_count() < rule.thresholds[0]:
        return awards, ()
    first, last = run_around(change.new, change.bit)
    length = last - first + 1
    had = longest_run(change.old >> first & ((1 << length) - 1))
    crossed = thresholds_between(rule, had, length)
    if not crossed:
        return awards, ()
    verdicts: list[Verdict] = []
    begin = change.base + first
    details = {"streak_days": length, "streak_began_on": iso(begin)}
    for threshold in crossed:
        slot, fresh = Slot(rule, threshold, per), Award(run=(begin, length))
        awards, found = reach(awards, slot, fresh, value=length, details=details, silent=silent)
        verdicts += found
    return awards, tuple(verdicts)


def _settle_shorter(awards: Awards, rule: PlannedRule, per: str, change: DayChange, *, silent: bool) -> Settled:
    first, last = run_around(change.old, change.bit)
    left = longest_run(change.new >> first & ((1 << (last - first + 1)) - 1))
    verdicts: list[Verdict] = []
    for threshold in thresholds_between(rule, 0, last - first + 1):
        slot = Slot(rule, threshold, per)
        known = awards.get(slot.key, ())
        standing = [award for award in known if _length(rule, change, award) >= threshold]
        awards, fallen = withdraw(awards, slot, standing, value=left, silent=silent)
        verdicts += fallen
    return awards, tuple(verdicts)


def _length(rule: PlannedRule, change: DayChange, award: Award) -> int:
    """The length that an award rests on: of the longest run that it belongs to."""
    if not rule.per_streak:
        return longest_run(change.new)
    found = (Award(run=(change.base + first, last - first + 1)) for first, last in runs(change.new))
    return max((run.run[1] for run in found if run.run and run.overlaps(award)), default=0)
