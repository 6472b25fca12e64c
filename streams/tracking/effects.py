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
from streams.tracking import marks
from streams.tracking.awards import Verdict
from streams.tracking.counts import settle_mark, settle_moves
from streams.tracking.habits import ID_BYTES as HABIT_ID_BYTES
from streams.tracking.habits import Habit, fill_days, repair_day, state_day
from streams.tracking.hearing import Hearing
from streams.tracking.local_days import day_number, is_plausible
from streams.tracking.lookouts import Changed, put_off_breaking, settle_days
from streams.tracking.marks import Kept, Mark
from streams.tracking.pauses import MAX_PAUSES, Pause
from streams.tracking.plan import CHECKED, COURSE, GOAL, SESSION, Number, Plan, PlannedRule, Signature, counters_of
from streams.tracking.profiles import day_at
from streams.tracking.retract import recount_days, retract, settle_pause
from streams.tracking.sessions import book, session_key
from streams.tracking.state import State
from streams.tracking.statements import ATTENDED, COMPLETED, FALLEN, id_of, key_of, stamp_of
from streams.tracking.tallies import Counted, Said, say

FULL_PERCENT = 100
PURCHASED, REFUNDED = "purchase.completed", "purchase.refunded"


class Happening(Struct, frozen=True, gc=False):
    """An event with what else deciding needs; instants in milliseconds.

    Attributes:
        id: the event's id as states keep it, see `statements.id_of`.
    """

    event: Event
    state: State
    plan: Plan
    id: bytes
    at_ms: int
    now_ms: int

    def hears(self, rule: PlannedRule) -> bool:
        """Whether what the event reaches for the first time is emitted."""
        if self.event.silent:
            return False
        return rule.is_open or Hearing(self.state, self.plan, self.event.occurred_at, silent=False).hears(rule)

    def said(self, family: str, key: str, kind: int) -> Said:
        """What the event says about a key."""
        return Said(key_of(family, key), self.id, stamp_of(self.at_ms, kind), self.now_ms, kind=kind)


@final
class Effect(Struct, frozen=True, gc=False):
    """The state after something happened, and the thresholds crossed or taken back.

    Attributes:
        adds: False if it only says again what is known, under another event id.
    """

    state: State
    verdicts: tuple[Verdict, ...] = ()
    adds: bool = True


def settle(counted: Counted, what: Happening) -> Effect:
    """The effect of counters that moved."""
    if not counted.moves:
        return Effect(counted.state, adds=counted.adds)
    awards, verdicts = settle_moves(counted.state.awards, what.plan, counted.moves, what.hears)
    if not verdicts:  # the ledger moves with a verdict, told or not, and never without
        return Effect(counted.state)
    return Effect(replace(counted.state, awards=awards), verdicts)


def _check(state: State, what: Happening) -> Effect | None:
    return _state_day(state, what, uncheck=False)


def _uncheck(state: State, what: Happening) -> Effect | None:
    return _state_day(state, what, uncheck=True)


def _state_day(state: State, what: Happening, *, uncheck: bool) -> Effect | None:
    day, known = _day_spoken_of(state, what), state.habits.get(what.event.data.habit_id)
    habit = state_day(known, day, what.at_ms, what.id[:HABIT_ID_BYTES], uncheck=uncheck)
    return _settle_habit(state, what, (day, day), habit)


def _report_streak(state: State, what: Happening) -> Effect | None:
    last, data = _day_spoken_of(state, what), what.event.data
    first, known = last - data.days + 1, state.habits.get(data.habit_id)
    if first > last:
        return None
    return _settle_habit(
        state, what, (first, last), fill_days(known, first, last, what.at_ms, what.id[:HABIT_ID_BYTES])
    )


def _repair(state: State, what: Happening) -> Effect | None:
    data = what.event.data
    day = day_number(data.day)
    return _settle_habit(state, what, (day, day), repair_day(state.habits.get(data.habit_id), day, what.id))


def _pause(state: State, what: Happening) -> Effect | None:
    data = what.event.data
    first, last = day_number(data.from_day), None if data.until is None else day_number(data.until)
    if any(pause.id == what.id for pause in state.pauses) or (last is not None and last < first):
        return None
    pause = Pause(first, last, data.habit_id, what.id)
    paused = replace(state, pauses=(*state.pauses[1 - MAX_PAUSES :], pause))
    return Effect(*settle_pause(state, paused, what.plan, pause, what.now_ms, what.hears, silent=what.event.silent))


def _day_spoken_of(state: State, what: Happening) -> int:
    event = what.event
    if event.data.day is None:
        return day_at(state, what.plan, event.occurred_at, event.data.timezone)
    day = day_number(event.data.day)
    if not is_plausible(day, event.occurred_at):
        raise Refused("day_out_of_range", "data.day cannot belong to the event's time")
    return day


def _settle_habit(state: State, what: Happening, days: tuple[int, int], habit: Habit | None) -> Effect | None:
    """The effect of a habit that became another by what was said about days."""
    if habit is None:
        return None
    event, plan, habit_id = what.event, what.plan, what.event.data.habit_id
    known = state.habits.get(habit_id)
    after = replace(state, habits={**state.habits, habit_id: habit})
    if known is not None and known.says_same(habit):
        return Effect(after, adds=False)
    if days[0] == days[1] and CHECKED not in plan.counts:
        later = put_off_breaking(after, plan, habit_id, days[0], silent=event.silent)
        if later is not None:
            return Effect(later)
    changed = Changed(state, habit_id, *days, what.now_ms, event.silent)
    after, verdicts = settle_days(after, plan, changed, what.hears)
    if CHECKED in plan.counts:
        gained = habit.bits().bit_count() - (known.bits().bit_count() if known else 0)
        after, verdicts = recount_days(after, plan, (event.data, gained), verdicts, what.hears)
    return Effect(after, verdicts)


def _book(state: State, what: Happening) -> Effect | None:
    if what.id in state.bookings:
        return None
    data, silent = what.event.data, what.event.silent
    return settle(book(state, data, what.plan, what.id, (what.at_ms, what.now_ms), silent=silent), what)


def _session(kind: int) -> "Handler":
    """What a session's completion, cancel, no-show or restoration does: only the first counts for something."""

    def handle(state: State, what: Happening) -> Effect | None:
        data = what.event.data
        counters = counters_of(what.plan, SESSION, data) if kind == COMPLETED else ()
        key, stamp = session_key(data.session_id), stamp_of(what.at_ms, kind)
        return settle(say(state, Said(key, what.id, stamp, what.now_ms, counters, kind)), what)

    return handle


def _complete_goal(state: State, what: Happening) -> Effect | None:
    counters = counters_of(what.plan, GOAL, what.event.data)
    said = what.said(GOAL, what.event.data.goal_id, COMPLETED)
    return settle(say(state, replace(said, counters=counters)), what)


def _reopen_goal(state: State, what: Happening) -> Effect | None:
    return settle(say(state, what.said(GOAL, what.event.data.goal_id, FALLEN)), what)


def _complete_course(state: State, what: Happening) -> Effect | None:
    effect: Effect | None = None
    for signature in what.plan.percents.get(COURSE, ()):
        effect = _mark(effect, state, what, (signature, FULL_PERCENT), percent=True) or effect
    return effect


def _refund(state: State, what: Happening) -> Effect | None:
    """The effect of money given back: the sums of purchases fall by its own amount."""
    paid = [
        (counter, -amount)
        for signature in what.plan.sums.get(PURCHASED, ())
        if (counter := signature.counter(what.event.data)) is not None
        and (amount := signature.amount(what.event.data)) is not None
    ]
    if not paid:
        return None
    said = what.said(REFUNDED, what.event.id, COMPLETED)
    counters, amounts = zip(*paid, strict=True)
    return settle(say(state, replace(said, counters=counters, amounts=amounts)), what)


def _retract(state: State, what: Happening) -> Effect | None:
    return Effect(*retract(state, what.plan, id_of(what.event.data.event_id), what.now_ms, what.hears))


def raise_marks(state: State, what: Happening) -> Effect | None:
    """The effect of a percentage or a watched value."""
    effect: Effect | None = None
    for group, percent in ((what.plan.percents, True), (what.plan.values, False)):
        for signature in group.get(what.event.type, ()):
            amount = signature.amount(what.event.data)
            if amount is not None and (not percent or 0 <= amount <= FULL_PERCENT):
                effect = _mark(effect, state, what, (signature, amount), percent=percent) or effect
    return effect


def _mark(
    effect: Effect | None, state: State, what: Happening, measured: tuple[Signature, Number], *, percent: bool
) -> Effect | None:
    """The effect so far and that of one more value; None if the value is known or cannot change anything."""
    signature, value = measured
    counter = signature.counter(what.event.data)
    now = effect.state if effect else state
    before = None if counter is None else now.marks.get(counter)
    if counter is None or (before is not None and marks.is_by(before, what.id)):
        return None
    if percent and value <= max((high for _, high in before.merged), default=0) if before else percent and value <= 0:
        return None
    at_ms = 0 if percent else what.at_ms
    kept = Kept(value, what.id[: marks.ID_BYTES], at_ms)
    after = marks.with_value(before or Mark(), kept, from_zero=percent)
    awards, verdicts = settle_mark(now.awards, signature, counter, before, after, what.hears, percent=percent)
    state = replace(now, marks={**now.marks, counter: after}, awards=awards)
    return Effect(state, (effect.verdicts if effect else ()) + verdicts)


Handler = Callable[[State, Happening], Effect | None]

HANDLERS: Mapping[str, Handler] = MappingProxyType({
    CHECKED: _check,
    "habit.unchecked": _uncheck,
    "streak.reported": _report_streak,
    "streak.paused": _pause,
    "streak.repaired": _repair,
    "session.booked": _book,
    "session.rescheduled": _book,
    SESSION: _session(COMPLETED),
    "session.attended": _session(ATTENDED),
    "session.canceled": _session(FALLEN),
    "session.no_show": _session(FALLEN),
    GOAL: _complete_goal,
    "goal.reopened": _reopen_goal,
    "course.completed": _complete_course,
    REFUNDED: _refund,
    "event.retracted": _retract,
})  # fmt: skip
"""What an event does besides being counted, by type."""

STATED = frozenset({
    SESSION, "session.attended", "session.canceled", "session.no_show", GOAL, "goal.reopened", REFUNDED,
})  # fmt: skip
"""Types whose handler makes a statement, so that the id is remembered."""
