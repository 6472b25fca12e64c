"""Rules as sentences: what has to happen, as a coach would say it.

It must never say less than the rule: whatever narrows a rule down stands in its sentence.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import singledispatch

from schemas.rule_words import Scalar
from schemas.rulebook import Rulebook
from schemas.rules import Audience, CountWhen, DateWhen, LapseWhen, PercentWhen, Rule, StreakWhen, SumWhen, ValueWhen

_VERBS = {
    "session.booked": ("books", "session"),
    "session.rescheduled": ("reschedules", "session"),
    "session.completed": ("completes", "session"),
    "session.canceled": ("cancels", "session"),
    "session.no_show": ("misses", "session"),
    "session.attended": ("attends", "session"),
    "lesson.completed": ("completes", "lesson"),
    "course.completed": ("completes", "course"),
    "goal.completed": ("completes", "goal"),
    "goal.reopened": ("reopens", "goal"),
    "program.enrolled": ("joins", "program"),
    "program.completed": ("completes", "program"),
    "purchase.completed": ("makes", "purchase"),
    "membership.renewed": ("renews", "membership"),
    "referral.converted": ("brings", "new client"),
}
_DATES = {"joined_on": "joining", "renewal_on": "renewal"}
_TEENS = range(11, 14)
_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def sentence(rule: Rule, rulebook: Rulebook) -> str:
    """When a rule fires, as the beginning of a sentence: `When a client completes their 36th session`."""
    return "".join((happens(rule.when), *_how_often(rule, rulebook), *_narrowed(rule)))


@singledispatch
def happens(when: object) -> str:
    """What a rule waits for, without what narrows it down."""
    raise NotImplementedError(f"no words for {when}")


@happens.register
def _count(when: CountWhen) -> str:
    each = f" of the same {when.per}" if when.per else ""
    verb, noun = _VERBS.get(when.count, ("", ""))
    if when.every is not None:
        return _stepped(when.count, when.every, each)
    if when.per and when.reaches == (1,):
        each = f"for each {when.per}"
        return f"When a client {verb} a {noun} (counted {each})" if verb else _free(when.count, f"first time {each}")
    ranks = either(map(ordinal, when.reaches or ()))
    return f"When a client {verb} their {ranks} {noun}{each}" if verb else _free(when.count, f"{ranks} time{each}")


def _stepped(event_type: str, every: int, each: str) -> str:
    multiples = ", ".join(figure(every * times) for times in (1, 2, 3))
    verb, noun = _VERBS.get(event_type, ("", ""))
    if every == 1:
        return f"Every time a client {verb} a {noun}{each}" if verb else f"Every time {event_type} happens to a client"
    if verb:
        return f"Every time a client {verb} another {every:,} {noun}s{each} ({multiples}, ...)"
    return f"Every time {event_type} has happened to a client another {every:,} times{each} ({multiples}, ...)"


def _free(event_type: str, time: str) -> str:
    return f"When {event_type} happens to a client for the {time}"


@happens.register
def _streak(when: StreakWhen) -> str:
    what = "the same habit" if when.per else "any habit"
    return f"When a client checks {what} {either(map(figure, when.days))} days in a row"


@happens.register
def _percent(when: PercentWhen) -> str:
    edges = either(map(figure, when.reaches))
    each = f", counted for each {when.per}" if when.per else ""
    if (when.percent, when.of, when.per) == ("course.progressed", "percent", "course_id"):
        return f"When a client has done {edges} percent of a course"
    return f"When {when.of} of {when.percent} reaches {edges} percent{each}"


@happens.register
def _sum(when: SumWhen) -> str:
    each = f", counted for each {when.per}" if when.per else ""
    amounts = [amount(number, when.of) for number in when.reaches or (when.every or 0,)]
    edges = either(amounts) if when.reaches else f"every further {amounts[0]}"
    of = when.of.removesuffix("_cents")
    return f"When the {of} of all {when.sum} of a client adds up to {edges}{each}"


@happens.register
def _value(when: ValueWhen) -> str:
    each = f", looked at for each {when.per}" if when.per else ""
    edges = either(amount(number, when.of) for number in when.reaches or when.falls_to or ())
    moves = "rises to" if when.reaches else "falls to"
    return f"When the {when.of.removesuffix('_cents')} of a client's {when.value} {moves} {edges}{each}"


@happens.register
def _date(when: DateWhen) -> str:
    at = f"at {when.at} of the client's time"
    if when.date == "birthday":
        return f"On a client's birthday, {at}"
    if when.every:
        return f"Every year on the day of a client's {_DATES[when.date]}, {at}"
    word = "after" if when.days_after else "before"
    counts = when.days_after or when.days_before or ()
    spans = either(f"{_days(count)} {word}" if count else "on the day of" for count in counts)
    return f"{spans[0].upper()}{spans[1:]} a client's {_DATES[when.date]}, {at}"


@happens.register
def _lapse(when: LapseWhen) -> str:
    return f"When a client's run of at least {_days(when.min_days)} for {when.lapse} has ended"


def _how_often(rule: Rule, rulebook: Rulebook) -> Iterable[str]:
    if isinstance(rule.when, LapseWhen):
        yield f" and the {rulebook.defaults.grace_hours} hours to mend it are over"
    if isinstance(rule.when, StreakWhen):
        yield ", each time anew" if rule.repeat == "per-streak" else ", once"


def _narrowed(rule: Rule) -> Iterable[str]:
    """What makes a rule narrower than its `when`."""
    for field, values in rule.where.items():
        yield f", only where {field} is {either(map(_scalar, values))}"
    if rule.clients is not None:
        yield f", only for {_audience(rule.clients)}"
    if rule.effective_from is not None:
        yield f", from {rule.effective_from} on"
    if rule.settle is not None:
        yield f", if it still holds {span(rule.settle)} later"


def _audience(who: Audience) -> str:
    if who.tags is not None:
        return f"clients tagged {either(who.tags)}"
    if who.ids is not None:
        return "1 client by its id" if len(who.ids) == 1 else f"{len(who.ids)} clients by their ids"
    return f"{100 * (who.share or 0):g}% of the clients"


def _scalar(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def amount(number: float, field: str) -> str:
    """A number of a field; cents are shown as money."""
    return f"{number / 100:,.2f}" if field.endswith("_cents") else figure(number)


def noun(event_type: str) -> str | None:
    """What a well-known event is about, in the singular; None of a free type."""
    return _VERBS[event_type][1] if event_type in _VERBS else None


def figure(number: float) -> str:
    """A number in figures: `1,200` or `77.5`."""
    return f"{number:,}"


def ordinal(number: int) -> str:
    """A rank in figures, but `first`: `36th`."""
    if number == 1:
        return "first"
    ending = "th" if number % 100 in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def either(words: Iterable[str]) -> str:
    """Some words, of which one holds: `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def span(wait: timedelta) -> str:
    """A duration in the largest unit that has at least two of it: `2 days`, `24 hours`."""
    seconds = int(wait.total_seconds())
    for unit, size in _UNITS:
        count, rest = divmod(seconds, size)
        if count > 1 and not rest:
            return f"{count:,} {unit}"
    return f"{seconds} second"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
