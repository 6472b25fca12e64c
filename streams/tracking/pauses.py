"""Pauses: days that neither extend a streak nor break it, because somebody said so.

A pause is of one habit or of all, may lie in the past, and both its days belong to it. Without an
end it lasts until the next day with a check of the habit that is looked at, so that one habit may go
on while another still rests.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from streams.tracking.days import DaySet, Run
from streams.tracking.habits import Habit

MAX_PAUSES = 100


class Pause(Struct, frozen=True, array_like=True):
    """One pause; `habit` is None for all habits, `last` is None while it is open."""

    first: int
    last: int | None
    habit: str | None
    id: bytes


def day_set(habits: Sequence[Habit], pauses: Sequence[Pause]) -> DaySet:
    """The days on which any of the habits has a check, and those that its repairs and the pauses make neutral."""
    if len(habits) == 1 and not pauses and not habits[0].repaired:
        return DaySet(habits[0].base, habits[0].bits())
    repaired = [day for habit in habits for day, _ in habit.repaired]
    base = min([*(habit.base for habit in habits), *repaired, *(pause.first for pause in pauses)], default=0)
    checked = 0
    for habit in habits:
        checked |= habit.bits() << (habit.base - base)
    neutral = 0
    for day in repaired:
        neutral |= 1 << (day - base)
    for pause in sorted(pauses, key=lambda each: each.last is None):
        neutral |= _mask(pause, base, checked, neutral)
    return DaySet(base, checked, neutral & ~checked)


def rests_from(days: DaySet, pauses: Iterable[Pause]) -> int | None:
    """The day from which an open pause of a day set lasts, because nothing was checked since; None if there is none."""
    still = [p.first for p in pauses if p.last is None and not days.checked >> p.first - days.base + 1]
    return min(still, default=None)


def alive_on(day: int, runs: Iterable[Run], rests: int | None) -> Run | None:
    """The run that nothing had ended by the end of the day before: an open pause that follows it keeps it."""
    for run in runs:
        is_resting = rests is not None and rests <= run.reach
        if run.first <= day and (is_resting or day <= run.reach + 1):
            return run
    return None


def _mask(pause: Pause, base: int, checked: int, neutral: int) -> int:
    """The days of a pause; of an open one those up to the next check, or to the first that nothing speaks of."""
    first = pause.first - base
    last = None if pause.last is None else pause.last - base
    if last is None:
        after = checked >> first + 1 << first + 1
        last = (after & -after).bit_length() - 2 if after else max(first, (checked | neutral).bit_length())
    return (1 << last + 1) - (1 << first)
