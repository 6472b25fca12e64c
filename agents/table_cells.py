"""A cell of a table read as what it stands for: text, number, cents, date or time.

An error names the column and what it should have held. It must never repeat the cell: a cell in
the wrong column may be somebody's address.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.import_mapping import CellKind
from schemas.refusal import Refused

_NOON: Final = time(12)
_ISO_DATE_CHARS: Final = 10
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_THOUSANDS: Final = "' \u00a0\u202f"
"""What may stand between groups of three digits beside the sign that is not the decimal one."""
_WRITTEN: Final = {
    decimal: re.compile(
        rf"(?P<whole>[-+]?(?:[0-9]{{1,15}}|[1-9][0-9]{{0,2}}(?P<sign>[{other}{_THOUSANDS}])[0-9]{{3}}(?:(?P=sign)[0-9]{{3}}){{0,3}}))"
        rf"(?:[{decimal}](?P<fraction>[0-9]{{1,15}}))?"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_GROUPED: Final = ", and a thousands sign between groups of three digits alone"
_SWAPPED: Final = str.maketrans(",.", ".,")
_TRUTH: Final = {"true": True, "false": False}
_ORNAMENTS: Final = "$€£' \u00a0\u202f"

Convert = Callable[[str], Any]


class Instant(NamedTuple):
    """When something happened.

    Attributes:
        day: the local date, where the cell holds no time of day; `at` is noon then.
    """

    at: datetime
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCell:
    """Where a value stands in a row, and how it is read.

    Attributes:
        header: the column's name; nothing for a constant.
        index: of the column.
        constant: the value, where it is the same for each row.
        values: the table's words and what they stand for.
        convert: reads the text.
    """

    header: str = ""
    index: int | None = None
    constant: Any = None
    values: Mapping[str, str] | None = None
    convert: Convert = str

    def of(self, cells: Sequence[str], reason: str) -> Any:
        """The value in a row; None for an empty cell.

        Raises:
            Refused: for the given reason, with the column's name.
        """
        if self.index is None:
            return self.constant
        text = cells[self.index].strip()
        if not text:
            return None
        if self.values is not None:
            word = self.values.get(text)
            if word is None:
                raise Refused(reason, f'column "{self.header}": a word that the mapping does not name in values')
            text = word
        try:
            return self.convert(text)
        except ValueError as error:
            raise Refused(reason, f'column "{self.header}": {error}') from None

    @property
    def name(self) -> str:
        """How an error calls it."""
        return f'column "{self.header}"' if self.index is not None else "a constant of the mapping"


def converter(kind: CellKind | None, *, form: str | None, zone: ZoneInfo, decimal: str) -> Convert:
    """What reads the text of a cell; each raises ValueError with a text that does not repeat it.

    Args:
        kind: None reads a number or a truth value where it looks like one.
        form: how a date is written, as `strptime` has it; ISO 8601 without.
        zone: of times without an offset.
        decimal: what stands before the fraction.
    """
    converters: dict[CellKind | None, Convert] = {
        None: lambda text: _guessed(text, decimal),
        "text": str,
        "number": lambda text: _number(text, decimal),
        "cents": lambda text: _cents(text, decimal),
        "date": lambda text: _date(text, form),
        "time": lambda text: _instant(text, form, zone),
    }
    return converters[kind]


def birthday_converter(form: str) -> Convert:
    """What reads a birthday; without a year, or with two digits of one, it is month and day alone."""
    if "%Y" in form:
        return lambda text: _date(text, form).isoformat()
    return lambda text: _month_and_day(text, form)


def _month_and_day(text: str, form: str) -> str:
    if "%y" in form:
        return f"{_date(text, form):%m-%d}"
    try:  # in a leap year, so that there is a 29 February
        return f"{datetime.strptime(f'2000 {text}', f'%Y {form}'):%m-%d}"  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise ValueError(f"must be a date{_like(form)}") from None


def _guessed(text: str, decimal: str) -> Any:
    """A value of a free type; what begins with a zero is an id and stays text, and so is what has the other sign."""
    truth = _TRUTH.get(text.casefold())
    if truth is not None:
        return truth
    plain = text.translate(_SWAPPED) if decimal == "," else text
    return _as_number(plain) if _PLAIN_NUMBER.fullmatch(plain) else text


def _number(text: str, decimal: str) -> int | float:
    plain = _plain(text.removesuffix("%").strip(), decimal)
    if plain is None:
        raise ValueError(f"must be a number with {decimal!r} before its fraction{_GROUPED}")
    return _as_number(plain)


def _cents(text: str, decimal: str) -> int:
    plain = _plain(text.strip(_ORNAMENTS), decimal)
    if plain is None or not _MONEY.fullmatch(plain):
        raise ValueError(f"must be an amount of money, not negative, with {decimal!r} before the cents{_GROUPED}")
    return int(Decimal(plain) * 100)


def _plain(text: str, decimal: str) -> str | None:
    """The number as Python writes it; None where a sign stands as it would in another country's number.

    A sign that were dropped wherever it stands would make 4,990 euros of 49,90.
    """
    written = _WRITTEN[decimal].fullmatch(text)
    if written is None:
        return None
    whole = written["whole"].replace(written["sign"] or " ", "")
    return f"{whole}.{written['fraction']}" if written["fraction"] else whole


def _as_number(plain: str) -> int | float:
    return float(plain) if "." in plain else int(plain)


def _date(text: str, form: str | None) -> date:
    try:
        if form is None:
            return date.fromisoformat(text[:_ISO_DATE_CHARS])
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise ValueError(f"must be a date{_like(form)}") from None


def _instant(text: str, form: str | None, zone: ZoneInfo) -> Instant:
    try:
        if form is None:
            moment, has_time = datetime.fromisoformat(text), len(text) > _ISO_DATE_CHARS
        else:
            moment, has_time = datetime.strptime(text, form), _has_time(form)  # noqa: DTZ007 - the zone is set below
    except ValueError:
        raise ValueError(f"must be a date or time{_like(form)}") from None
    if not has_time:
        return Instant(datetime.combine(moment.date(), _NOON, tzinfo=zone), moment.date())
    return Instant(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def _has_time(form: str) -> bool:
    return any(sign in form for sign in ("%H", "%I", "%c", "%X"))


def _like(form: str | None) -> str:
    return f" written as {form}" if form else ", written as 2026-05-28 or 2026-05-28T13:45:00+02:00"
