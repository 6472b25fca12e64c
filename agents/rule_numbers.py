"""The numbers of a rule in words, so that a change of them reads as a coach would say it.

`14 days instead of 21`: what stands around the numbers is said once where it is the same in both.
"""

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

from agents.rule_sentences import amount, figure, noun
from schemas.rules import CountWhen, DateWhen, LapseWhen, PercentWhen, StreakWhen, SumWhen, ValueWhen, When

NUMBERS = frozenset({"days", "reaches", "every", "falls_to", "min_days", "days_before", "days_after", "at"})
"""The words of a `when` that hold its numbers."""

_DATES = {"birthday": "birthday", "joined_on": "joining", "renewal_on": "renewal"}


class Numbers(NamedTuple):
    """Numbers, and what stands before and after them."""

    numbers: str
    after: str = ""
    before: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.numbers}{self.after}"


def instead(old: When, new: When) -> str | None:
    """The new numbers beside the old ones: `14 days instead of 21`; None if they are the same."""
    were, are = numbers_of(old), numbers_of(new)
    if were == are:
        return _other_time(old, new)
    is_same_around = (were.before, were.after) == (are.before, are.after)
    return f"{are} instead of {were.numbers if is_same_around else were}"


@singledispatch
def numbers_of(when: object) -> Numbers:
    """The numbers that a rule waits for."""
    raise NotImplementedError(f"no words for {when}")


@numbers_of.register
def _count(when: CountWhen) -> Numbers:
    counts = when.reaches or (when.every or 0,)
    word = noun(when.count) or "time"
    after = f" {word}" if counts == (1,) else f" {word}s"
    return Numbers(_stepped(map(figure, counts), every=when.every), after)


@numbers_of.register
def _streak(when: StreakWhen) -> Numbers:
    return Numbers(_both(map(figure, when.days)), _days(when.days))


@numbers_of.register
def _percent(when: PercentWhen) -> Numbers:
    return Numbers(_both(map(figure, when.reaches)), " percent")


@numbers_of.register
def _sum(when: SumWhen) -> Numbers:
    sums = when.reaches or (when.every or 0,)
    field = when.of.removesuffix("_cents")
    return Numbers(_stepped((amount(each, when.of) for each in sums), every=when.every), f" of {field} in all")


@numbers_of.register
def _value(when: ValueWhen) -> Numbers:
    edges = _both(amount(each, when.of) for each in when.reaches or when.falls_to or ())
    return Numbers(edges, f" {when.of.removesuffix('_cents')}", "a rise to " if when.reaches else "a fall to ")


@numbers_of.register
def _date(when: DateWhen) -> Numbers:
    date = _DATES[when.date]
    spans = when.days_after or when.days_before
    if spans is None:
        return Numbers(f"every year on the day of {date}" if when.date != "birthday" else "every birthday")
    return Numbers(_both(map(figure, spans)), f"{_days(spans)} {'after' if when.days_after else 'before'} {date}")


@numbers_of.register
def _lapse(when: LapseWhen) -> Numbers:
    return Numbers(figure(when.min_days), _days((when.min_days,)), "runs of at least ")


def _other_time(old: Any, new: Any) -> str | None:
    """The times of day of dates that are the same otherwise."""
    if isinstance(old, DateWhen) and isinstance(new, DateWhen) and old.at != new.at:
        return f"{new.at} instead of {old.at}"
    return None


def _stepped(words: Iterable[str], *, every: int | None) -> str:
    return f"every {_both(words)}" if every else _both(words)


def _days(counts: Sequence[int]) -> str:
    return " day" if tuple(counts) == (1,) else " days"


def _both(words: Iterable[str]) -> str:
    """Some words that all hold: `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
