"""Lookouts: which day sets the streak and lapse rules of a plan look at, and what their change does.

A rule of each habit looks at that habit's days alone; one of any habit at the days on which any that
it allows has a check. Neutral days come from the repairs and pauses of the habits concerned.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from streams.tracking.awards import Hears, Slot, Verdict
from streams.tracking.days import DaySet, Run, run_around
from streams.tracking.lapses import Breakable, Broken, Lapses, all_pending, due_of, put_off, settle_lapse
from streams.tracking.pauses import Pause, day_set
from streams.tracking.plan import SEPARATOR, Lookout, Plan, PlannedRule
from streams.tracking.state import State
from streams.tracking.streaks import DayChange, may_reach, settle_streaks

Looks = Lookout | PlannedRule
"""What says which habits' days are looked at."""


class Changed(Struct, frozen=True, gc=False):
    """What was said about the days of a habit from `first` to `last`, and the state before it was."""

    before: State
    habit: str
    first: int
    last: int
    now_ms: int
    silent: bool


def settle_days(after: State, plan: Plan, changed: Changed, hears: Hears) -> tuple[State, tuple[Verdict, ...]]:
    """The state after days of a habit changed, and what that reaches or takes back."""
    awards, lapses = after.awards, after.lapses
    verdicts: tuple[Verdict, ...] = ()
    for lookout in plan.lookouts:
        if not _is_allowed(lookout, changed.habit):
            continue
        per = changed.habit if lookout.by_habit else ""
        change = _change(changed, after, lookout, per)
        awards, found = settle_streaks(awards, lookout.streaks, per, change, hears)
        verdicts += found
        for rule in lookout.lapses:
            what = breakable(after, plan, rule, per)
            broken = settle_lapse(Broken(awards, lapses), what, change, changed.now_ms, silent=changed.silent)
            awards, lapses, verdicts = broken.awards, broken.lapses, verdicts + broken.verdicts
    if awards is after.awards and lapses is after.lapses:
        return after, verdicts
    return replace(after, awards=awards, lapses=lapses), verdicts


def put_off_breaking(after: State, plan: Plan, habit_id: str, day: int, *, silent: bool) -> State | None:
    """The state after a day became another, if it has a check now and nothing is reached: its run breaks later.

    None where more has to be asked, as nearly no daily check does: the day lost its check, a threshold is
    reached, days are neutral, an award was withdrawn, the habit has lapsed before, or several may lapse together.
    """
    habit = after.habits[habit_id]
    bits, place = habit.bits(), day - habit.base
    if after.pauses or habit.repaired or not bits >> place & 1:
        return None
    own = _run_of(DaySet(habit.base, bits), day)
    lapses = after.lapses
    for lookout in plan.lookouts:
        if _is_allowed(lookout, habit_id):
            run, per = own, habit_id
            if not lookout.by_habit:
                days = days_of(after, lookout, "")
                if lookout.lapses or days.neutral:
                    return None
                run, per = _run_of(days, day), ""
            for rule in lookout.streaks:
                if may_reach(after.awards, rule, per, run, day):
                    return None
            for rule in lookout.lapses:
                if Slot(rule, None, habit_id).key in after.awards:
                    return None
                lapses = _put_off(lapses, after, plan, rule, (run, habit_id, day), silent=silent)
    return after if lapses is after.lapses else replace(after, lapses=lapses)


def _run_of(days: DaySet, day: int) -> Run:
    """The run of a day with a check, where no day is neutral."""
    first, last = run_around(days.checked, day - days.base)
    return Run(days.base + first, days.base + last, last - first + 1, days.base + last)


def _put_off(
    lapses: Lapses, after: State, plan: Plan, rule: PlannedRule, spoken: tuple[Run, str, int], *, silent: bool
) -> Lapses:
    """The pending lapses after one more day of a run."""
    run, habit_id, day = spoken
    if run.length < rule.min_days:
        return lapses
    key = f"{rule.id}{SEPARATOR}{habit_id}"
    if run.last - day >= rule.min_days and all(one.last != run.last for one in lapses.get(key, ())):
        return lapses  # what follows the day was passed by a change of the profile: it is not missed any more
    return put_off(lapses, key, run, due_of(run, plan, after.profile), silent=silent)


def breakable(state: State, plan: Plan, rule: PlannedRule, per: str) -> Breakable:
    """What may break for a rule and habit."""
    return Breakable(rule, per, _pauses(state, rule, per), plan, state.profile)


def pending_lapses(state: State, plan: Plan) -> Lapses:
    """Every lapse that the rules of a plan are waiting for."""
    found: Lapses = {}
    for rule in plan.lapses:
        for per, days in looked_at(state, rule):
            what = breakable(state, plan, rule, per)
            if pending := all_pending(state.awards, what, days, state.lapses.get(what.key, ())):
                found[what.key] = pending
    return found


def looked_at(state: State, rule: Looks) -> Iterator[tuple[str, DaySet]]:
    """The day sets that a rule looks at, each with its `per` value."""
    if rule.by_habit:
        yield from ((name, days_of(state, rule, name)) for name in state.habits if _is_allowed(rule, name))
    else:
        yield "", days_of(state, rule, "")


def days_of(state: State, rule: Looks, per: str) -> DaySet:
    """The days that a rule looks at for one habit, or for any."""
    if rule.by_habit:
        habit = state.habits.get(per)
        if habit is not None and not state.pauses and not habit.repaired:
            return DaySet(habit.base, habit.bits())  # what nearly every look finds
        habits = [] if habit is None else [habit]
    else:
        habits = [habit for name, habit in state.habits.items() if _is_allowed(rule, name)]
    return day_set(habits, _pauses(state, rule, per))


def _pauses(state: State, rule: Looks, per: str) -> tuple[Pause, ...]:
    if not state.pauses:
        return ()
    return tuple(
        pause
        for pause in state.pauses
        if pause.habit is None or (pause.habit == per if rule.by_habit else _is_allowed(rule, pause.habit))
    )


def _is_allowed(rule: Looks, habit: str) -> bool:
    return rule.habits is None or habit in rule.habits


def _change(changed: Changed, after: State, looks: Lookout, per: str) -> DayChange:
    old, new = days_of(changed.before, looks, per), days_of(after, looks, per)
    last = changed.last
    if old.neutral or new.neutral:  # an open pause may end on another day now
        base = min(old.base, new.base)
        differs = _aligned(old, base) ^ _aligned(new, base)
        last = max(last, base + differs.bit_length() - 1)
    return DayChange(old, new, changed.first, last)


def _aligned(days: DaySet, base: int) -> int:
    return (days.checked | days.neutral) << (days.base - base)
