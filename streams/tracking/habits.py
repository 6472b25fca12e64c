"""Habits: which local days have a check, decided by the latest statement about each day.

Several checks on a day are one. A check and an uncheck of the same day are ordered by their
`time`, not by their arrival; at the same instant the uncheck wins. For that the instants are kept of the
last week, and as far back as a day with an uncheck, up to `KEPT_DAYS`; about an older day the
statement that arrives last wins. Days are counted from 1970.
"""

from msgspec import Struct

KEPT_DAYS = 36

_WEEK_DAYS = 8
_CELL = 3
_DAY_SECONDS = 86_400
_BIAS = 1 << (8 * _CELL - 1)
_MIN, _MAX = 2, 2 * _BIAS - 2


class Habit(Struct, frozen=True, array_like=True):
    """The checked days of one habit.

    Attributes:
        base: the day that bit 0 stands for.
        days: the bit set, little-endian.
        newest: the last day of which an instant is kept.
        instants: one cell a day, the newest first: seconds from the day's midnight in UTC,
            doubled, plus one for an uncheck; zero for a day without a statement.
    """

    base: int
    days: bytes
    newest: int
    instants: bytes

    def bits(self) -> int:
        """The day set as a number."""
        return int.from_bytes(self.days, "little")


def state_day(habit: Habit | None, day: int, at_ms: int, *, uncheck: bool) -> Habit | None:
    """The habit after a statement about a day; None if the same or a later one is known."""
    habit = habit or Habit(day, b"", day, b"")
    stamp = _stamp(day, at_ms, uncheck=uncheck)
    offset = habit.newest - day
    if 0 <= offset < KEPT_DAYS:
        known = habit.instants[offset * _CELL : offset * _CELL + _CELL]
        if stamp <= int.from_bytes(known, "big"):
            return None
    newest, instants = _with_instant(habit, day, stamp)
    base = min(habit.base, day)
    bits, one = habit.bits() << (habit.base - base), 1 << (day - base)
    return Habit(base, _packed(bits & ~one if uncheck else bits | one), newest, instants)


def fill_days(habit: Habit | None, first: int, last: int, at_ms: int) -> Habit | None:
    """The habit after a check of every day from first to last; None if nothing changed."""
    filled = habit
    recently = max(first, last - KEPT_DAYS + 1)
    if first < recently:
        old = habit or Habit(first, b"", first, b"")
        base = min(old.base, first)
        bits = old.bits() << (old.base - base) | ((1 << (recently - first)) - 1) << (first - base)
        filled = Habit(base, _packed(bits), old.newest, old.instants)
    for day in range(recently, last + 1):
        filled = state_day(filled, day, at_ms, uncheck=False) or filled
    return None if filled == habit else filled


def _packed(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _with_instant(habit: Habit, day: int, stamp: int) -> tuple[int, bytes]:
    cell = stamp.to_bytes(_CELL, "big")
    offset = habit.newest - day
    if offset < 0:
        gap = min(-offset - 1, KEPT_DAYS)
        return day, _kept(cell + bytes(_CELL * gap) + habit.instants if gap else cell + habit.instants)
    if offset >= KEPT_DAYS:
        return habit.newest, habit.instants
    at = offset * _CELL
    return habit.newest, _kept(habit.instants[:at].ljust(at, b"\x00") + cell + habit.instants[at + _CELL :])


def _kept(instants: bytes) -> bytes:
    """The cells of the last week, and of older days up to the last with an uncheck."""
    end = len(instants)
    if end <= _WEEK_DAYS * _CELL:
        return instants
    end = min(end, KEPT_DAYS * _CELL)
    while end > _WEEK_DAYS * _CELL and not instants[end - 1] & 1:
        end -= _CELL
    return instants[:end]


def _stamp(day: int, at_ms: int, *, uncheck: bool) -> int:
    stamp = 2 * (at_ms // 1000 - day * _DAY_SECONDS) + _BIAS
    if not _MIN <= stamp <= _MAX:  # further from its day than a cell can say
        stamp = _MIN if stamp < _BIAS else _MAX
    return stamp | uncheck
