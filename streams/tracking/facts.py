"""Facts: what a message will need to say something that only this system knows.

From the crossing event: `title`, `kind`, `program_id`, `course_id`, `goal_id`, `habit_id`,
`lesson_id` as far as it has them, and `inferred` (true: a booking that nobody cancelled). From the
rule: `count` (and `session_number`), `percent`, `sum` or `value`; `streak_days`, `streak_began_on` and, of a
lapse, `streak_ended_on`; of a date `years` or `days`, with `date_of` (the profile's field) and `date_on`.
`so_far` is the way behind the client at that moment: `sessions`, `goals`, `current_streak`
and `longest_streak` in days, `percents` by course, and `weeks_since_joining` if known.
"""

from collections.abc import Sequence
from typing import Any

from streams.tracking.awards import Verdict
from streams.tracking.days import DaySet, Run, runs_of
from streams.tracking.marks import highest
from streams.tracking.pauses import alive_on, day_set, rests_from
from streams.tracking.plan import SEPARATOR, SESSION, field_of
from streams.tracking.state import State

_FROM_EVENT = ("title", "kind", "program_id", "course_id", "goal_id", "habit_id", "lesson_id")
_SESSIONS, _GOALS, _COURSES = "s", "g", f"c{SEPARATOR}"
_WEEK_DAYS = 7
_VALUED = frozenset({"count", "percent", "sum", "value"})


def facts_of(verdict: Verdict, data: Any) -> dict[str, Any]:
    """The facts of one milestone, without the way so far."""
    rule = verdict.slot.rule
    facts = {name: fact for name in _FROM_EVENT if (fact := field_of(data, name)) is not None}
    if rule.kind in _VALUED:
        facts[rule.kind] = verdict.value
    if rule.event_type == SESSION:
        facts["session_number"] = verdict.value
    return {**facts, **verdict.details}


def so_far(state: State, day: int) -> dict[str, Any]:
    """The way behind a client on a local day."""
    habits = [(days, runs_of(days), rests) for days, rests in (_days(state, name) for name in state.habits)]
    found: dict[str, Any] = {
        "sessions": state.counts.get(_SESSIONS, 0),
        "goals": state.counts.get(_GOALS, 0),
        "current_streak": max([_current(days, runs, rests, day) for days, runs, rests in habits], default=0),
        "longest_streak": max([run.length for _, runs, _ in habits for run in runs], default=0),
        "percents": {
            counter.removeprefix(_COURSES): highest(mark)
            for counter, mark in state.marks.items()
            if counter.startswith(_COURSES)
        },
    }
    joined_on = state.profile.joined_on if state.profile else None
    if joined_on is not None and joined_on <= day:
        found["weeks_since_joining"] = (day - joined_on) // _WEEK_DAYS
    return found


def _days(state: State, name: str) -> tuple[DaySet, int | None]:
    pauses = [pause for pause in state.pauses if pause.habit in {None, name}]
    days = day_set([state.habits[name]], pauses)
    return days, rests_from(days, pauses)


def _current(days: DaySet, runs: Sequence[Run], rests: int | None, day: int) -> int:
    """The length, as of a day, of the run that is alive on it."""
    run = alive_on(day, runs, rests)
    if run is None:
        return 0
    known = days.checked & ((1 << min(day, run.last) - days.base + 1) - (1 << run.first - days.base))
    return known.bit_count()
