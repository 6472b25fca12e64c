"""Habits: which local days have a check, decided by the latest statement about each day.

Several checks on a day are one. A check and an uncheck of the same day are ordered by their `time`, not
by their arrival; in the same second the uncheck wins. For that the times are kept of the last days, and
as far back as a day with an uncheck, at most `KEPT_DAYS`; about a day without one the statement that
arrives last wins. Which event said what is kept for all these days, so that an event can be taken back:
then what stood before it stands again. Days are counted from 1970.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

KEPT_DAYS = 35
MAX_OVERRULED = 512
ID_BYTES = 3

_RECENT_DAYS = 8
_TIME = 3
_DAY = 2
_OVERRULED_CELL = _DAY + _TIME + ID_BYTES
_DAY_SECONDS = 86_400
_BIAS = 1 << (8 * _TIME - 1)
_MIN, _MAX = 2, 2 * _BIAS - 2


class Habit(Struct, frozen=True, gc=False, array_like=True):
    """The checked days of one habit.

    Attributes:
        base: the day that bit 0 stands for.
        days: the bit set, little-endian.
        lag: days from `base` to `newest`.
        times: one cell a day, the newest first: seconds from the day's midnight in UTC, doubled, plus
            one for an uncheck (3 bytes); zero for a day without a statement.
        events: one cell a day, the newest first: the id of the event that said it (3 bytes).
        overruled: statements about days of which another one counts: day (2), time, and event.
        repaired: days that somebody vouched for, each with the event's id.
    """

    base: int
    days: bytes
    lag: int
    times: bytes
    events: bytes = b""
    overruled: bytes | None = None
    repaired: tuple[tuple[int, bytes], ...] = ()

    @property
    def newest(self) -> int:
        """The last day of which a statement is kept."""
        return self.base + self.lag

    def says_same(self, other: "Habit") -> bool:
        """Whether the same days have a check or were vouched for."""
        return self.days == other.days and self.base == other.base and self.repaired == other.repaired

    def bits(self) -> int:
        """The day set as a number."""
        return int.from_bytes(self.days, "little")


def state_day(habit: Habit | None, day: int, at_ms: int, event_id: bytes, *, uncheck: bool) -> Habit | None:
    """The habit after a statement about a day; None if it is known already."""
    habit = habit or Habit(day, b"", 0, b"")
    time, offset = _time(day, at_ms, uncheck=uncheck), habit.base + habit.lag - day
    if offset < 0:
        return _with_later_day(habit, day, time, event_id)
    if offset >= KEPT_DAYS:
        return _with_day(habit, day, uncheck=uncheck)
    known_time, known_id = _cell(habit.times, offset, _TIME), _cell(habit.events, offset, ID_BYTES)
    new = _day_cell(day) + time + event_id
    if (known_id == event_id and known_time in {time, b""}) or new in _cells(habit.overruled or b""):
        return None
    if time < known_time:
        return replace(habit, overruled=_with_overruled(habit, new))
    if any(known_id):  # of a day whose time is kept no longer, any time is later
        known = _day_cell(day) + known_time.ljust(_TIME, b"\x00") + known_id
        habit = replace(habit, overruled=_with_overruled(habit, known))
    return _with_day(_stated(habit, offset, time, event_id), day, uncheck=uncheck)


def fill_days(habit: Habit | None, first: int, last: int, at_ms: int, event_id: bytes) -> Habit | None:
    """The habit after a check of every day from first to last; None if nothing changed."""
    filled = habit
    recently = max(first, last - KEPT_DAYS + 1)
    if first < recently:
        old = habit or Habit(first, b"", 0, b"")
        base = min(old.base, first)
        bits = old.bits() << (old.base - base) | ((1 << (recently - first)) - 1) << (first - base)
        filled = replace(old, base=base, days=_packed(bits), lag=old.newest - base)
    for day in range(recently, last + 1):
        filled = state_day(filled, day, at_ms, event_id, uncheck=False) or filled
    return None if filled == habit else filled


def repair_day(habit: Habit | None, day: int, event_id: bytes) -> Habit | None:
    """The habit with one more day that somebody vouched for; None if this was said already."""
    habit = habit or Habit(day, b"", 0, b"")
    if (day, event_id) in habit.repaired:
        return None
    return replace(habit, repaired=(*habit.repaired[-MAX_OVERRULED:], (day, event_id)))


def without_event(habit: Habit, event_id: bytes) -> tuple[Habit, tuple[int, ...]]:
    """The habit to which an event said nothing, and the days that it had spoken of."""
    offsets = tuple(_places(habit.events, event_id))
    kept = [cell for cell in _cells(habit.overruled or b"") if cell[-ID_BYTES:] != event_id]
    found = habit
    for offset in offsets:
        day = habit.newest - offset
        of_day = [cell for cell in kept if cell[:_DAY] == _day_cell(day)]
        best = max(of_day, default=bytes(_OVERRULED_CELL))
        if of_day:
            kept.remove(best)
        is_off = not of_day or bool(best[_DAY + _TIME - 1] & 1)
        found = _stated(found, offset, best[_DAY:-ID_BYTES], best[-ID_BYTES:])
        found = _with_day(found, day, uncheck=is_off)
    return replace(found, overruled=b"".join(kept) or None), tuple(habit.newest - offset for offset in offsets)


def without_repair(habit: Habit, event_id: bytes) -> tuple[Habit, tuple[int, ...]]:
    """The habit without the repairs that an event brought, and the days of these."""
    days = tuple(day for day, known in habit.repaired if known == event_id)
    return replace(habit, repaired=tuple(each for each in habit.repaired if each[1] != event_id)), days


def _with_later_day(habit: Habit, day: int, time: bytes, event_id: bytes) -> Habit:
    """The habit of which a later day is the newest; the time says whether it was unchecked."""
    lag = day - habit.base
    days = _with_bit(habit.days, lag, uncheck=bool(time[-1] & 1))
    gap = lag - habit.lag - 1
    if gap:
        time += bytes(_TIME * min(gap, KEPT_DAYS))
        event_id += bytes(ID_BYTES * min(gap, KEPT_DAYS))
    events = (event_id + habit.events)[: KEPT_DAYS * ID_BYTES]
    return Habit(habit.base, days, lag, _recent(time + habit.times), events, habit.overruled, habit.repaired)


def _stated(habit: Habit, offset: int, time: bytes, event_id: bytes) -> Habit:
    return replace(
        habit,
        times=_recent(_put(habit.times, offset * _TIME, time)),
        events=_put(habit.events, offset * ID_BYTES, event_id),
    )


def _put(cells: bytes, at: int, cell: bytes) -> bytes:
    return cells[:at].ljust(at, b"\x00") + cell + cells[at + len(cell) :]


def _recent(times: bytes) -> bytes:
    """The cells of the last days, and of older ones up to the last with an uncheck."""
    end = min(len(times), KEPT_DAYS * _TIME)
    while end > _RECENT_DAYS * _TIME and not times[end - 1] & 1:
        end -= _TIME
    return times[:end]


def _with_day(habit: Habit, day: int, *, uncheck: bool) -> Habit:
    place = day - habit.base
    if place >= 0:
        return replace(habit, days=_with_bit(habit.days, place, uncheck=uncheck))
    bits = habit.bits() << -place
    return replace(habit, base=day, days=_packed(bits if uncheck else bits | 1), lag=habit.lag - place)


def _with_bit(days: bytes, place: int, *, uncheck: bool) -> bytes:
    bits, one = int.from_bytes(days, "little"), 1 << place
    return _packed(bits & ~one if uncheck else bits | one)


def _with_overruled(habit: Habit, cell: bytes) -> bytes:
    recent = [each for each in _cells(habit.overruled or b"") if _age(habit, each) < KEPT_DAYS]
    return b"".join([*recent, cell][-MAX_OVERRULED:])


def _age(habit: Habit, cell: bytes) -> int:
    return (habit.newest - int.from_bytes(cell[:_DAY], "big")) % (1 << 8 * _DAY)


def _cells(overruled: bytes) -> list[bytes]:
    return [overruled[at : at + _OVERRULED_CELL] for at in range(0, len(overruled), _OVERRULED_CELL)]


def _cell(cells: bytes, offset: int, size: int) -> bytes:
    return cells[offset * size : offset * size + size]


def _places(events: bytes, event_id: bytes) -> Iterator[int]:
    """How many days before the newest an event's statements stand."""
    at = events.find(event_id)
    while at >= 0:
        if at % ID_BYTES == 0:
            yield at // ID_BYTES
        at = events.find(event_id, at + 1)


def _day_cell(day: int) -> bytes:
    return (day & 0xFFFF).to_bytes(_DAY, "big")


def _packed(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _time(day: int, at_ms: int, *, uncheck: bool) -> bytes:
    seconds = 2 * (at_ms // 1000 - day * _DAY_SECONDS) + _BIAS
    if not _MIN <= seconds <= _MAX:  # further from its day than a cell can say
        seconds = _MIN if seconds < _BIAS else _MAX
    return (seconds | uncheck).to_bytes(_TIME, "big")
