"""English, bent: numbers, ordinals, spans and dates as a person would write them in a letter.

It must never decide what is said, only how a word looks. Templates of another language bring
a module of their own.
"""

from datetime import date

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ODD_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS_BELOW = 100
_TEEN_TENS = range(11, 14)
_WEEK_DAYS = 7
_MONTH_DAYS = 30
_YEAR_DAYS = 365


def number(value: float) -> str:
    """A number in running text: words below a hundred, then figures, as in `1,200` or `2.5`."""
    if value != int(value):
        return f"{value:,.10g}"
    whole = int(value)
    if not 0 <= whole < _WORDS_BELOW:
        return f"{whole:,}"
    if whole < len(_ONES):
        return _ONES[whole]
    tens, ones = divmod(whole, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """The number as a rank: `thirty-sixth`, and from a hundred on `112th`."""
    words = number(value)
    if words[-1].isdigit():
        teens = value % 100 in _TEEN_TENS
        return words + ("th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th"))
    head, dash, last = words.rpartition("-")
    rank = _ODD_ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{dash}{rank}"


def span(days: int) -> str | None:
    """Days as the larger unit that people feel: `two weeks`, `a month`; None when none fits closely."""
    if days % _YEAR_DAYS == 0 and days:
        return _several(days // _YEAR_DAYS, "year")
    if days % _MONTH_DAYS == 0 and days:
        return _several(days // _MONTH_DAYS, "month")
    if days % _WEEK_DAYS == 0 and days:
        return _several(days // _WEEK_DAYS, "week")
    return None


def day(on: date, seen_from: date) -> str:
    """A date as in `5 May`; with its year when that is not the year it is seen from."""
    year = f" {on.year}" if on.year != seen_from.year else ""
    return f"{on.day} {_MONTHS[on.month - 1]}{year}"


def weekday(on: date) -> str:
    """The name of the day, as in `Tuesday`."""
    return _WEEKDAYS[on.weekday()]


def _several(count: int, unit: str) -> str:
    return f"a {unit}" if count == 1 else f"{number(count)} {unit}s"
