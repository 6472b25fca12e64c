"""Retracting: an event that never happened.

Whatever the event said is taken out, and what stood before it stands again: counters, marks, checked
days, repairs, pauses and bookings. Its id is barred for the window, so that it does not come back,
also when the retraction came first. An event that left the window cannot be told from one that has
not come yet: then nothing changes but the bar.
"""

from typing import Any

from msgspec.structs import replace

from streams.tracking import marks, statements
from streams.tracking.awards import Hears, Verdict
from streams.tracking.counts import is_percent, settle_mark, settle_moves
from streams.tracking.habits import ID_BYTES, without_event, without_repair
from streams.tracking.lookouts import Changed, settle_days
from streams.tracking.pauses import Pause
from streams.tracking.plan import CHECKED, SEPARATOR, Plan, counters_of
from streams.tracking.state import State
from streams.tracking.statements import MAX_STATEMENTS, WINDOW_DAYS
from streams.tracking.tallies import Counted, move_counts, unsay, weigh_again

_DAY_MS = 86_400_000
_Effect = tuple[State, tuple[Verdict, ...]]


def retract(state: State, plan: Plan, event_id: bytes, now_ms: int, hears: Hears) -> _Effect:
    """The state in which an event never happened, and what that takes back or brings about.

    `event_id` is the event's id as states keep it, see `statements.id_of`.
    """
    state = _barred(state, event_id, now_ms)
    state, first = _uncounted(state, plan, event_id, hears)
    state, second = _unmarked(state, plan, event_id, hears)
    state, third = _unpaused(state, plan, event_id, now_ms, hears)
    verdicts = first + second + third
    for name in tuple(state.habits):
        state, found = _unchecked(state, plan, (name, event_id), now_ms, hears)
        verdicts += found
    return state, verdicts


def is_barred(state: State, event_id: bytes, now_ms: int) -> bool:
    """Whether an event was taken back before it came."""
    return state.barred.get(event_id, 0) > now_ms


def _barred(state: State, event_id: bytes, now_ms: int) -> State:
    kept = {known: until for known, until in state.barred.items() if until > now_ms and known != event_id}
    recent = dict(tuple(kept.items())[-MAX_STATEMENTS:])
    return replace(state, barred={**recent, event_id: now_ms + (WINDOW_DAYS + 1) * _DAY_MS})


def _uncounted(state: State, plan: Plan, event_id: bytes, hears: Hears) -> _Effect:
    counted = unsay(state, event_id) if statements.is_by(state.statements, event_id) else Counted(state)
    booking = counted.state.bookings.get(event_id)
    if booking is not None:
        known = counted.state
        left = {other: kept for other, kept in known.bookings.items() if other != event_id}
        weighed = weigh_again(known, replace(known, bookings=left), booking.key)
        counted = Counted(weighed.state, counted.moves + weighed.moves)
    awards, verdicts = settle_moves(counted.state.awards, plan, counted.moves, hears)
    return replace(counted.state, awards=awards), verdicts


def _unmarked(state: State, plan: Plan, event_id: bytes, hears: Hears) -> _Effect:
    awards = state.awards
    verdicts: tuple[Verdict, ...] = ()
    changed = dict(state.marks)
    for counter, mark in state.marks.items():
        if marks.is_by(mark, event_id):
            after = changed[counter] = marks.without_event(mark, event_id)
            signature = plan.signatures.get(counter.partition(SEPARATOR)[0])
            if signature is not None:
                percent = is_percent(plan, signature)
                awards, found = settle_mark(awards, signature, counter, mark, after, hears, percent=percent)
                verdicts += found
    return replace(state, marks=changed, awards=awards), verdicts


def _unpaused(state: State, plan: Plan, event_id: bytes, now_ms: int, hears: Hears) -> _Effect:
    gone = [pause for pause in state.pauses if pause.id == event_id]
    verdicts: tuple[Verdict, ...] = ()
    for pause in gone:
        before = state
        state = replace(state, pauses=tuple(each for each in state.pauses if each is not pause))
        state, found = settle_pause(before, state, plan, pause, now_ms, hears)
        verdicts += found
    return state, verdicts


def settle_pause(
    before: State,
    after: State,
    plan: Plan,
    pause: Pause,
    now_ms: int,
    hears: Hears,
    *,
    silent: bool = False,
) -> _Effect:
    """The state after a pause came or went, and what that reaches or takes back."""
    first, last = pause.first, pause.last
    verdicts: tuple[Verdict, ...] = ()
    for name in tuple(after.habits) if pause.habit is None else (pause.habit,):
        known = after.habits.get(name)
        end = max(first, known.base + 8 * len(known.days)) if last is None and known else last or first
        changed = Changed(before, name, first, max(end, first), now_ms, silent)
        after, found = settle_days(after, plan, changed, hears)
        verdicts += found
    return after, verdicts


def _unchecked(state: State, plan: Plan, said: tuple[str, bytes], now_ms: int, hears: Hears) -> _Effect:
    name, event_id = said
    known = state.habits[name]
    habit, days = without_event(known, event_id[:ID_BYTES])
    habit, repaired = without_repair(habit, event_id)
    touched = (*days, *repaired)
    if habit == known:
        return state, ()
    after = replace(state, habits={**state.habits, name: habit})
    if not touched:
        return after, ()
    changed = Changed(state, name, min(touched), max(touched), now_ms, silent=False)
    after, verdicts = settle_days(after, plan, changed, hears)
    lost = known.bits().bit_count() - habit.bits().bit_count()
    return recount_days(after, plan, ({"habit_id": name}, -lost), verdicts, hears)


def recount_days(
    state: State, plan: Plan, won: tuple[Any, int], verdicts: tuple[Verdict, ...], hears: Hears
) -> _Effect:
    """The state with the counters of checks moved by days that were won or lost, and the data that said so."""
    data, step = won
    counters = counters_of(plan, CHECKED, data)
    if not counters or not step:
        return state, verdicts
    counted = move_counts(state, counters, step)
    awards, found = settle_moves(counted.state.awards, plan, counted.moves, hears)
    return replace(counted.state, awards=awards), verdicts + found
