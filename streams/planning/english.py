"""English, bent: numbers, ordinals and spans as a person would write them in a letter.

It must never decide what is said, only how a word looks. It speaks the protocol of
`streams.planning.languages`, as every language does.
"""

from collections.abc import Sequence

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ODD_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_SHARES: dict[float, str] = {25: "a quarter", 50: "half", 75: "three quarters", 100: "all"}
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


def share(percent: float) -> str:
    """How much of a whole is done: `half`, `80 percent`."""
    return _SHARES.get(percent) or f"{percent:g} percent"


def on_day(day: str, *, is_date: bool) -> str:  # noqa: ARG001 - some languages need to know
    """When something was: `on Tuesday`, `on 5 May`."""
    return f"on {day}"


def since_day(day: str, *, is_date: bool) -> str:  # noqa: ARG001 - as on_day
    """From when on something holds: `since Tuesday`, `since 5 May`."""
    return f"since {day}"


def joined(parts: Sequence[str]) -> str:
    """Several things in one sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _several(count: int, unit: str) -> str:
    return f"a {unit}" if count == 1 else f"{number(count)} {unit}s"
