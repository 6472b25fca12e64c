"""A mapping guessed from a table's headers and first rows, for a person to look at.

It must never guess where two readings are as good: a date that may be the third of April or the
fourth of March needs a mapping, and so does a number that may be a thousand or one and a fraction.
Nothing is sent on a guess alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from agents.table_binding import field_kinds
from agents.table_cells import Convert, birthday_converter, converter
from agents.table_file import TableErrors, TableFile
from agents.table_rows import read_rows
from schemas.event import EVENT_DATA
from schemas.import_mapping import CONTACT_FIELDS, CellKind, ImportMapping

_ROWS: Final = 200
_TELLING: Final = 3
"""Of so many values one may be wrong: of two, the wrong one could be either."""
_NOT_WORD = re.compile(r"[^0-9a-z]+")
_ID: Final = ("client_id", "client", "subject", "clientid")
_EMAIL: Final = ("email", "e_mail", "email_address", "e_mail_address", "mail", "client_email")
_TYPE: Final = ("type", "event_type", "event", "activity")
_TIME: Final = ("time", "timestamp", "occurred_at", "happened_at", "completed_at", "when", "date_time", "date", "day")
_EVENT_ID: Final = ("id", "event_id")
_PROFILE: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "full_name", "client_name"),
    "birthday": ("birthday", "birth_date", "date_of_birth", "dob", "born_on"),
    "joined_on": ("joined_on", "joined", "join_date", "member_since", "joining_date"),
    "renewal_on": ("renewal_on", "renewal", "renewal_date", "renews_on"),
    "timezone": ("timezone", "time_zone"),
    "email": (),
}
_DATA: Final = {
    f"{name}_id": (f"{name}_id", name) for name in ("session", "habit", "course", "lesson", "goal", "program", "order")
} | {"percent": ("percent", "progress"), "amount_cents": ("amount_cents",), "title": ("title",)}
_MONEY: Final = ("amount", "price", "total")
_TYPES: Final = (
    ("course.progressed", ("course_id", "percent")),
    ("lesson.completed", ("course_id", "lesson_id")),
    ("habit.checked", ("habit_id",)),
    ("session.completed", ("session_id",)),
    ("purchase.completed", ("order_id", "amount_cents", "currency")),
)
_DATES: Final = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y")
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
_FIELDS: Final = frozenset(
    name for shape in EVENT_DATA.values() for name in shape.__struct_encode_fields__ if name != "timezone"
)
_NUMBERS: Final = frozenset(
    name for shape in EVENT_DATA.values() for name, kind in field_kinds(shape).items() if kind == "number"
)
_SIGNS: Final = (".", ",")

_ADVICE: Final = "Write a mapping file and give it with --mapping (docs/history.md)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a table seems to say.

    Attributes:
        unused: headers that the guess leaves out.
    """

    mapping: ImportMapping
    unused: tuple[str, ...]


def guess(table: TableFile) -> Guess:
    """The mapping that a table's headers and first rows suggest.

    Raises:
        TableErrors: with everything that cannot be guessed, and what to do.
    """
    guesser = _Guesser(table)
    written = guesser.written()
    if guesser.faults:
        raise TableErrors([*(f"{table.path}: {fault}." for fault in guesser.faults), _ADVICE])
    unused = tuple(header for header in table.headers if header and header not in guesser.used)
    try:
        return Guess(mapping=ImportMapping.model_validate(written), unused=unused)
    except ValidationError:
        raise TableErrors([f"{table.path}: a header holds what no field is called.", _ADVICE]) from None


class _Guesser:
    def __init__(self, table: TableFile) -> None:
        self.faults: list[str] = []
        self.used: set[str] = set()
        self._headers = {_word(header): header for header in reversed(table.headers) if header}
        with table.path.open("rb") as file:
            rows = read_rows(file, table.begins, table.lines, separator=table.separator, headers=len(table.headers))
            kept = [row for row in islice(rows, _ROWS) if row.refusal is None and not row.is_empty]
        self._samples = {
            header: {row.number: text for row in kept if (text := row.cells[index].strip())}
            for index, header in enumerate(table.headers)
        }

    def written(self) -> dict[str, Any]:
        """The mapping as a file would have it."""
        client = self._client()
        event = self._event()
        profile = dict(self._profile(by_id="id" in client))
        if not (event or profile):
            self.faults.append("no column looks like an event's type and time, or like a fact of a profile")
        decimal = self._decimal(event["data"]) if event else "."
        return {"client": client, "event": event, "profile": profile, "decimal": decimal}

    def _client(self) -> dict[str, Any]:
        if email := self._take(_EMAIL):
            return {"email": email}
        named = self._take(_ID)
        if named is None:
            self.faults.append("no column is called client_id or email, so nobody knows whose rows they are")
            return {}
        by_address = any("@" in value for value in self._samples[named].values())
        return {"email" if by_address else "id": named}

    def _event(self) -> dict[str, Any] | None:
        type_column, time = self._take(_TYPE), self._first(_TIME)
        if time is None:
            if type_column:
                self.faults.append("no column is called time or date, so nobody knows when it happened")
            return None
        self.used.add(time)
        data = dict(self._data())
        inferred = next((name for name, fields in _TYPES if data.keys() >= set(fields)), None)
        if not (type_column or inferred):
            self.used.discard(time)
            return None
        event_id = self._take(_EVENT_ID)
        return {
            "type": type_column or {"constant": inferred},
            "time": self._dated(time, converter_of=_instants),
            "data": data,
        } | ({"id": event_id} if event_id else {})

    def _data(self) -> Iterator[tuple[str, Any]]:
        for name, words in _DATA.items():
            if header := self._take(words):
                yield name, header
        if "amount_cents" not in self._headers and (header := self._take(_MONEY)):
            yield "amount_cents", {"column": header, "as": "cents"}
        taken = {word for words in (*_PROFILE.values(), *_DATA.values()) for word in words}
        for word, header in sorted(self._headers.items()):
            name = word.removeprefix("data_")
            is_field = word in _FIELDS or (name != word and name not in CONTACT_FIELDS)
            if header not in self.used and is_field and word not in taken:
                self.used.add(header)
                yield name, self._dated(header, _dates) if name in {"day", "from", "until"} else header

    def _profile(self, *, by_id: bool) -> Iterator[tuple[str, Any]]:
        for name, words in _PROFILE.items():
            if header := self._take((*words, *(_EMAIL if by_id and name == "email" else ()))):
                if name == "birthday":
                    yield name, self._dated(header, birthday_converter)
                elif name.endswith("_on"):
                    yield name, self._dated(header, _dates)
                else:
                    yield name, header

    def _dated(self, header: str, converter_of: Any) -> Any:
        """The cell of a column of dates, with its format if it is not ISO's."""
        samples = self._samples[header]
        not_iso = _unlike(samples, _instants(None))
        if _are_few(not_iso, samples) or (converter_of is birthday_converter and _are_few(_long(samples), samples)):
            return header
        clocks = _CLOCKS if converter_of is _instants else ("",)
        unlike = {
            form: _unlike(samples, converter_of(form)) for form in (day + clock for day in _DATES for clock in clocks)
        }
        fewest = min(unlike.values(), key=len)
        fitting = [form for form, lines in unlike.items() if len(lines) == len(fewest) and _are_few(lines, samples)]
        if len(fitting) == 1:
            return {"column": header, "format": fitting[0]}
        told = f"may be written as {' or '.join(fitting)}"
        if not fitting:
            told = f"are written in no way that is known, or in several: see line {min(not_iso, fewest, key=len)[0]}"
        self.faults.append(f'the dates of the column "{header}" {told}')
        return header

    def _decimal(self, data: Mapping[str, Any]) -> str:
        """What stands before the fraction of the numbers, as far as one of them tells; a point where none does."""
        by: dict[str, list[tuple[str, int]]] = {sign: [] for sign in _SIGNS}
        either = None
        for header, kind in _numeric(data):
            for line, text in self._samples[header].items():
                readings = _readings(text, kind)
                if len(readings) == 1:
                    by[next(iter(readings))].append((header, line))
                elif len(set(readings.values())) > 1:
                    either = either or header
        few, many = sorted(_SIGNS, key=lambda sign: len(by[sign]))
        if by[few] and not _are_few(by[few], [*by[few], *by[many]]):
            header, line = by[few][0]
            told = f"and others are written with a point and with a comma before the fraction: see line {line}"
            self.faults.append(f'the numbers of the column "{header}" {told}')
        elif either and not by[many]:
            told = "may be written with a point or a comma before the fraction: the mapping must say `decimal:`"
            self.faults.append(f'the numbers of the column "{either}" {told}')
        return many if by[many] else "."

    def _first(self, words: Sequence[str]) -> str | None:
        headers = (self._headers[word] for word in words if word in self._headers)
        return next((header for header in headers if header not in self.used), None)

    def _take(self, words: Sequence[str]) -> str | None:
        header = self._first(words)
        if header is not None:
            self.used.add(header)
        return header


def _word(header: str) -> str:
    return _NOT_WORD.sub("_", header.casefold()).strip("_")


def _instants(form: str | None) -> Convert:
    return converter("time", form=form, zone=ZoneInfo("UTC"), decimal=".")


def _dates(form: str | None) -> Convert:
    return converter("date", form=form, zone=ZoneInfo("UTC"), decimal=".")


def _numeric(data: Mapping[str, Any]) -> Iterator[tuple[str, CellKind]]:
    """The columns of an event's data that hold numbers, or hold what they like."""
    for name, cell in data.items():
        if isinstance(cell, dict):
            if cell.get("as") == "cents":
                yield cell["column"], "cents"
        elif name in _NUMBERS or name not in _FIELDS:
            yield cell, "number"


def _readings(text: str, kind: CellKind) -> dict[str, int | float]:
    """What a cell is by each decimal sign by which it is a number."""
    readings = {}
    for sign in _SIGNS:
        with suppress(ValueError):
            readings[sign] = converter(kind, form=None, zone=ZoneInfo("UTC"), decimal=sign)(text)
    return readings


def _long(samples: Mapping[int, str]) -> list[int]:
    """The lines whose birthday is not month and day alone."""
    return [line for line, text in samples.items() if not re.fullmatch(r"\d\d-\d\d", text)]


def _unlike(samples: Mapping[int, str], convert: Convert) -> list[int]:
    """The lines whose value is not written so."""
    lines = []
    for line, text in samples.items():
        try:
            convert(text)
        except ValueError:
            lines.append(line)
    return lines


def _are_few(bad: Sized, samples: Sized) -> bool:
    """A few bad values are the report's, and say nothing about the rest; where there are few, one is, of three."""
    return len(bad) * 5 <= len(samples) or (len(bad) == 1 and len(samples) >= _TELLING)
