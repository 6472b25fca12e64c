"""Lapses: a run that ended is broken when the day after it, and the grace, are over.

Broken is provisional: a late check, a repair or a pause in the past may still mend it, and then the
lapse is taken back. Every run of the least length lapses once, also one after which the client has
begun anew; nothing breaks while a pause is open. Of several lapses in one run the one for the latest
days stands, so that joining two broken runs takes back the first.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from streams.tracking.awards import (
    Award,
    Awards,
    Hears,
    Reached,
    Settled,
    Slot,
    Verdict,
    hold_again,
    reach,
    withdraw,
)
from streams.tracking.days import DaySet, Run, runs_near, runs_of
from streams.tracking.local_days import iso, wall_ms
from streams.tracking.pauses import Pause, rests_from
from streams.tracking.plan import SEPARATOR, Plan, PlannedRule
from streams.tracking.state import PendingLapse, TrackedProfile
from streams.tracking.streaks import DayChange

Lapses = dict[str, tuple[PendingLapse, ...]]


class Breakable(Struct, frozen=True, gc=False):
    """A lapse rule, the habit that it looks at, the pauses that concern it, and what says when a day has ended."""

    rule: PlannedRule
    per: str
    pauses: Sequence[Pause]
    plan: Plan
    profile: TrackedProfile | None

    @property
    def slot(self) -> Slot:
        """Its place in the ledger."""
        return Slot(self.rule, None, self.per)

    @property
    def key(self) -> str:
        """Its name among the pending lapses."""
        return f"{self.rule.id}{SEPARATOR}{self.per}"

    def skipped(self, runs: Iterable[Run], ledger: Sequence[Award], pending: Sequence[PendingLapse]) -> list[Run]:
        """The runs whose deadline was passed by a change of the profile itself: that day is never missed."""
        waiting = {one.last for one in pending}
        return [
            run
            for run in runs
            if run.length >= self.rule.min_days and run.last not in waiting and _is_open(ledger, run)
        ]

    def breaks(self, days: DaySet, runs: Iterable[Run]) -> list[tuple[Run, int]]:
        """The runs that are long enough to be missed and will be broken, each with when."""
        rests = rests_from(days, self.pauses)
        return [
            (run, due_of(run, self.plan, self.profile))
            for run in runs
            if run.length >= self.rule.min_days and (rests is None or rests > run.reach)
        ]


class Broken(Struct, frozen=True, gc=False):
    """The ledger and the pending lapses."""

    awards: Awards
    lapses: Lapses
    verdicts: tuple[Verdict, ...] = ()


def settle_lapse(known: Broken, what: Breakable, change: DayChange, now_ms: int, *, silent: bool) -> Broken:
    """The pending lapses after days changed, and the lapses that were mended."""
    were, are = runs_near(change.old, change.first, change.last), runs_near(change.new, change.first, change.last)
    before, after = [run for run in were if run not in are], [run for run in are if run not in were]
    if not before and not after:
        return known
    will_break = what.breaks(change.new, after)
    awards, verdicts = _mend(known.awards, what, change, before, now_ms)
    ledger = awards.get(what.slot.key, ())
    pending = known.lapses.get(what.key, ())
    changed = [*before, *after]
    kept = tuple(one for one in pending if not any(run.overlaps(one.first, one.span) for run in changed))
    skipped = {(run.last, run.reach) for run in what.skipped(before, known.awards.get(what.slot.key, ()), pending)}
    missed = (each for each in will_break if (each[0].last, each[0].reach) not in skipped)
    new = _pending(missed, ledger, lambda run, due_ms: _silence(pending, run, due_ms, silent=silent))
    return Broken(awards, _with(known.lapses, what.key, kept + new), known.verdicts + verdicts)


def due_of(run: Run, plan: Plan, profile: TrackedProfile | None) -> int:
    """When a run is broken: its missed day, the one after all that nothing broke, is over, and so is the grace."""
    zone, starts = plan.zone, plan.day_starts_minutes
    if profile is not None:
        zone = profile.timezone or zone
        starts = starts if profile.day_starts_minutes is None else profile.day_starts_minutes
    return wall_ms(run.reach + 2, starts, zone) + plan.grace_ms


def put_off(lapses: Lapses, key: str, run: Run, due_ms: int, *, silent: bool) -> Lapses:
    """The pending lapses after one more day of a habit that never lapsed: its run is what will break, and later."""
    pending = lapses.get(key, ())
    if pending:
        silent = _silence(pending, run, due_ms, silent=silent)
        pending = tuple([one for one in pending if not run.overlaps(one.first, one.span)])
    return {**lapses, key: (*pending, PendingLapse(run.first, run.last, run.length, due_ms, silent))}


def break_run(awards: Awards, slot: Slot, pending: PendingLapse, hears: Hears) -> Settled:
    """The ledger after a pending lapse has fallen due."""
    run = Run(pending.first, pending.last, pending.length, pending.last)
    details = {"streak_days": run.length, "streak_began_on": iso(run.first), "streak_ended_on": iso(run.last)}
    what = Reached(run.length, details, run)
    owner = _owner(awards.get(slot.key, ()), run)
    if owner is None:
        return reach(awards, slot, hears, what)
    return (awards, ()) if owner.held else hold_again(awards, slot, owner, what)


def all_pending(
    awards: Awards, what: Breakable, days: DaySet, known: Sequence[PendingLapse]
) -> tuple[PendingLapse, ...]:
    """Every run that will break and of which the ledger has no lapse that stands; silent ones stay so, whenever due."""
    silent = {one.last for one in known if one.silent}
    ledger = awards.get(what.slot.key, ())
    return _pending(what.breaks(days, runs_of(days)), ledger, lambda run, _: run.last in silent)


def without(lapses: Lapses, key: str, pending: PendingLapse) -> Lapses:
    """The pending lapses without one."""
    return _with(lapses, key, tuple(one for one in lapses[key] if one is not pending))


def _mend(awards: Awards, what: Breakable, change: DayChange, before: Sequence[Run], now_ms: int) -> Settled:
    """Withdraw the lapses of runs that are not broken, and of one run all but the one for its latest days."""
    verdicts: tuple[Verdict, ...] = ()
    slot = what.slot
    known = awards.get(slot.key, ())
    for award in known:
        near = [run for run in before if award.overlaps(run)]
        if award.held and near and not _stands(award, known, what, change, now_ms):
            awards, found = withdraw(awards, slot, award, near[-1].length)
            verdicts += found
    return awards, verdicts


def _stands(award: Award, known: Sequence[Award], what: Breakable, change: DayChange, now_ms: int) -> bool:
    """Whether a run of an award is broken; one that is missed from the same day on stays so, whatever the zone."""
    missed = {run.reach for run in runs_of(change.old) if award.overlaps(run)}
    own = [run for run in runs_of(change.new) if _owner(known, run) is award]
    return any(due_ms <= now_ms or run.reach in missed for run, due_ms in what.breaks(change.new, own))


def _owner(known: Sequence[Award], run: Run) -> Award | None:
    """The award of a run: of those that belong to it, the one for the latest days."""
    return max((award for award in known if award.overlaps(run)), key=lambda award: sum(award.days), default=None)


def _is_open(known: Sequence[Award], run: Run) -> bool:
    owner = _owner(known, run)
    return owner is None or not owner.held


def _pending(
    breaks: Iterable[tuple[Run, int]], ledger: Sequence[Award], is_silent: Callable[[Run, int], bool]
) -> tuple[PendingLapse, ...]:
    """What to wait for: the runs that will break and of which the ledger has no lapse that stands."""
    return tuple(
        PendingLapse(run.first, run.last, run.length, due_ms, is_silent(run, due_ms))
        for run, due_ms in breaks
        if _is_open(ledger, run)
    )


def _silence(pending: Sequence[PendingLapse], run: Run, due_ms: int, *, silent: bool) -> bool:
    """Whether a lapse is silent: as the event after which it first was due then."""
    for one in pending:
        if one.due_ms == due_ms and one.last == run.last:
            return one.silent
    return silent


def _with(lapses: Lapses, key: str, pending: tuple[PendingLapse, ...]) -> Lapses:
    if pending:
        return {**lapses, key: pending}
    return {other: kept for other, kept in lapses.items() if other != key} if key in lapses else lapses
