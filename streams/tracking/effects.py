"""Effects: what one event does to a client, by its type.

A handler returns the state after the event and the thresholds that it crossed or took back,
or None if the event changes nothing because it, or something later, is known already.
Everything is applied by event time; nothing here asks in which order events arrived.

A check counts for `count: habit.checked` once per habit and day, and an uncheck takes it
back: several checks on a day are one. Every other type counts once per business key where
it has one, and once per event id.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import final

from msgspec import Struct
from msgspec.structs import replace

from schemas.event import Event
from schemas.refusal import Refused
from streams.tracking import recent
from streams.tracking.awards import Verdict
from streams.tracking.counts import settle_moves
from streams.tracking.habits import Habit, fill_days, state_day
from streams.tracking.local_days import day_number, is_plausible
from streams.tracking.plan import COURSE, GOAL, SESSION, Plan, counters_of, field_of
from streams.tracking.profiles import day_at
from streams.tracking.registers import Counted, Move, Statement, count_key, move_counts, see, void_key
from streams.tracking.sessions import ATTENDED, COMPLETED, book, complete, fall_through
from streams.tracking.state import State
from streams.tracking.streaks import DayChange, change_of, change_of_any, settle_streak

CHECKED = "habit.checked"
FULL_PERCENT = 100
_GOAL_DONE, _GOAL_REOPENED = 1, 2

BUSINESS_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "session.booked": ("session_id",),
    "purchase.completed": ("order_id",),
    "lesson.completed": ("course_id", "lesson_id"),
    "program.enrolled": ("program_id",),
    "program.completed": ("program_id",),
})  # fmt: skip
"""What a completion is of: two events of one type about the same thing count once."""


class Happening(Struct, frozen=True, gc=False):
    """An event with what else deciding needs; instants in milliseconds."""

    event: Event
    plan: Plan
    at_ms: int
    now_ms: int

    @property
    def instants(self) -> tuple[int, int]:
        """The event's time and the tracker's."""
        return self.at_ms, self.now_ms


@final
class Effect(Struct, frozen=True, gc=False):
    """The state after something happened, and the thresholds crossed or taken back."""

    state: State
    verdicts: tuple[Verdict, ...] = ()


def settle(counted: Counted, plan: Plan, *, silent: bool) -> Effect:
    """The effect of counters that moved."""
    if not counted.moves:
        return Effect(counted.state)
    awards, verdicts = settle_moves(counted.state.awards, plan, counted.moves, silent=silent)
    if not verdicts:  # the ledger moves with a verdict, told or not, and never without
        return Effect(counted.state)
    return Effect(replace(counted.state, awards=awards), verdicts)


def _check(state: State, what: Happening) -> Effect | None:
    day, habit_id = _day_spoken_of(state, what), what.event.data.habit_id
    return _settle_days(state, what, day, state_day(state.habits.get(habit_id), day, what.at_ms, uncheck=False))


def _uncheck(state: State, what: Happening) -> Effect | None:
    day, habit_id = _day_spoken_of(state, what), what.event.data.habit_id
    return _settle_days(state, what, day, state_day(state.habits.get(habit_id), day, what.at_ms, uncheck=True))


def _report_streak(state: State, what: Happening) -> Effect | None:
    last, data = _day_spoken_of(state, what), what.event.data
    filled = fill_days(state.habits.get(data.habit_id), last - data.days + 1, last, what.at_ms)
    return _settle_days(state, what, last, filled)


def _day_spoken_of(state: State, what: Happening) -> int:
    event = what.event
    if event.data.day is None:
        return day_at(state, what.plan, event.occurred_at, event.data.timezone)
    day = day_number(event.data.day)
    if not is_plausible(day, event.occurred_at):
        raise Refused("day_out_of_range", "data.day cannot belong to the event's time")
    return day


def _settle_days(state: State, what: Happening, day: int, habit: Habit | None) -> Effect | None:
    """The effect of a habit that became another by what was said about a day."""
    if habit is None:
        return None
    event, plan, habit_id, awards = what.event, what.plan, what.event.data.habit_id, state.awards
    after = {**state.habits, habit_id: habit}
    change = change_of(state.habits.get(habit_id), habit, day)
    verdicts: tuple[Verdict, ...] = ()
    for rule in plan.streaks:
        if rule.habits is not None and habit_id not in rule.habits:
            continue
        seen = change if rule.by_habit else change_of_any(rule, state.habits, after, day)
        per = habit_id if rule.by_habit else ""
        awards, found = settle_streak(awards, rule, per, seen, silent=event.silent)
        verdicts += found
    effect = Effect(replace(state, habits=after, awards=awards), verdicts)
    return _count_day(effect, change, what) if CHECKED in plan.counts else effect


def _count_day(effect: Effect, change: DayChange, what: Happening) -> Effect:
    """The effect with the counters of checks moved, if a day was set or cleared."""
    counters = counters_of(what.plan.counts, CHECKED, what.event.data)
    if not counters or not change.gained or what.event.type == "streak.reported":
        return effect
    settled = settle(move_counts(effect.state, counters, change.gained), what.plan, silent=what.event.silent)
    return Effect(settled.state, effect.verdicts + settled.verdicts)


def _book(state: State, what: Happening) -> Effect | None:
    booked = book(state, what.event.data, what.plan, what.instants, silent=what.event.silent)
    return booked and settle(booked, what.plan, silent=what.event.silent)


def _complete(state: State, what: Happening) -> Effect | None:
    counted = complete(state, what.event.data, what.plan, what.instants, COMPLETED)
    return counted and settle(counted, what.plan, silent=what.event.silent)


def _attend(state: State, what: Happening) -> Effect | None:
    counted = complete(state, what.event.data, what.plan, what.instants, ATTENDED)
    return counted and settle(counted, what.plan, silent=what.event.silent)


def _fall_through(state: State, what: Happening) -> Effect | None:
    voided = fall_through(state, what.event.data, what.instants)
    return voided and settle(voided, what.plan, silent=what.event.silent)


def _complete_goal(state: State, what: Happening) -> Effect | None:
    counters = counters_of(what.plan.counts, GOAL, what.event.data)
    stamp = recent.stamp_of(what.at_ms, _GOAL_DONE)
    key = recent.key_of(GOAL, what.event.data.goal_id)
    counted = count_key(state, Statement(key, stamp, what.now_ms, counters))
    return counted and settle(counted, what.plan, silent=what.event.silent)


def _reopen_goal(state: State, what: Happening) -> Effect | None:
    stamp = recent.stamp_of(what.at_ms, _GOAL_REOPENED)
    key = recent.key_of(GOAL, what.event.data.goal_id)
    voided = void_key(state, Statement(key, stamp, what.now_ms))
    return voided and settle(voided, what.plan, silent=what.event.silent)


def _complete_course(state: State, what: Happening) -> Effect | None:
    return _raise_marks(state, what, COURSE, FULL_PERCENT)


def raise_marks(state: State, what: Happening) -> Effect | None:
    """The effect of a percentage: a high-water mark, of which drops are ignored."""
    return _raise_marks(state, what, what.event.type, None)


def _raise_marks(state: State, what: Happening, event_type: str, percent: int | None) -> Effect | None:
    moves = []
    for signature in what.plan.percents[event_type]:
        counter = signature.counter(what.event.data)
        value = percent if percent is not None else field_of(what.event.data, signature.of or "")
        if counter is None or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        before = state.marks.get(counter, 0)
        if before < value <= FULL_PERCENT:
            moves.append(Move(counter, before, int(value) if value == int(value) else value))
    if not moves:
        return None
    marks = {**state.marks, **{move.counter: move.after for move in moves}}
    return settle(Counted(replace(state, marks=marks), tuple(moves)), what.plan, silent=what.event.silent)


def count_once(state: State, what: Happening, counters: tuple[str, ...]) -> Effect | None:
    """The effect of an event that counts once per business key, where its type has one."""
    names = BUSINESS_KEYS.get(what.event.type)
    if names is not None:
        text = "\x1f".join(field_of(what.event.data, name) for name in names)
        key = recent.key_of(what.event.type, text)
        if recent.is_marked(state.seen, key):
            return None
        state = see(state, key, what.now_ms)
    return settle(move_counts(state, counters, 1), what.plan, silent=what.event.silent)


Handler = Callable[[State, Happening], Effect | None]

HANDLERS: Mapping[str, Handler] = MappingProxyType({
    CHECKED: _check,
    "habit.unchecked": _uncheck,
    "streak.reported": _report_streak,
    "session.booked": _book,
    "session.rescheduled": _book,
    SESSION: _complete,
    "session.attended": _attend,
    "session.canceled": _fall_through,
    "session.no_show": _fall_through,
    GOAL: _complete_goal,
    "goal.reopened": _reopen_goal,
    "course.completed": _complete_course,
})  # fmt: skip
"""What an event does besides being counted, by type."""

COUNTED_BY_HANDLER = frozenset({CHECKED, SESSION, GOAL})
"""Types whose counters their handler moves."""

ONCE_BY_ID = frozenset({SESSION, "session.attended", GOAL})
"""Types of which the event id is remembered besides their business key."""
