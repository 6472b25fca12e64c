"""The rows of a table with their numbers and places, from the beginning or from where one left off.

It must never let a quote that is not closed swallow the rows behind it, nor hold more of a row
than an event could need.

Theory of operation: `csv` takes lines one by one until a row is whole, so the place after a row is
where the last line ended. Where a row is broken, or has run over several lines and does not fit the
header, its first line alone is bad, and reading goes on with the line after it. Quotes are read as
RFC 4180 has them.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from schemas.refusal import Refused
from schemas.text import EVENT_MAX_BYTES

_ROW_MAX_BYTES: Final = EVENT_MAX_BYTES


class TableRow(NamedTuple):
    """A row of the file.

    Attributes:
        number: its first line's.
        last_number: its last line's.
        end: the offset after it.
        cells: nothing for a row that is none.
        refusal: why it is none.
    """

    number: int
    last_number: int
    content: bytes
    end: int
    cells: list[str]
    refusal: Refused | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing stands in any cell, as in the rows that a spreadsheet leaves at the end."""
        return self.refusal is None and not any(self.cells)


class _RowTooLong(csv.Error):
    pass


class _Lines:
    """Lines of the file for one reader, which remembers where its row began."""

    def __init__(self, file: BinaryIO, offset: int, number: int) -> None:
        self._file = file
        self.offset = offset
        self.number = number
        self.begin_row()

    def begin_row(self) -> None:
        self.raw: list[bytes] = []
        self.first_end = self.offset
        self._bytes = 0

    def __iter__(self) -> Iterator[str]:
        while raw := self._file.readline(_ROW_MAX_BYTES + 1):
            rest = raw
            while len(rest) > _ROW_MAX_BYTES and not rest.endswith(b"\n"):
                self.offset += len(rest)
                rest = self._file.readline(_ROW_MAX_BYTES + 1)
            self.offset += len(rest)
            self.number += 1
            self.raw.append(raw)
            self._bytes += len(raw)
            if len(self.raw) == 1:
                self.first_end = self.offset
            if self._bytes > _ROW_MAX_BYTES:
                raise _RowTooLong
            yield raw.decode()


def read_rows(file: BinaryIO, offset: int, number: int, *, separator: str, headers: int) -> Iterator[TableRow]:
    """The rows from where a file stands.

    Args:
        file: is moved to `offset`.
        offset: where reading begins.
        number: the line that ends there.
        separator: between two cells.
        headers: how many cells a row must have.
    """
    while True:
        file.seek(offset)
        lines = _Lines(file, offset, number)
        reader = csv.reader(lines, delimiter=separator, strict=True)
        broken = None
        while broken is None:
            lines.begin_row()
            first = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                broken = Refused(*_why(error, lines))
                break
            if len(cells) != headers and len(lines.raw) > 1:
                broken = Refused("wrong_row", "a quote is not closed")
            else:
                wrong = len(cells) != headers and any(cells)
                refusal = Refused("wrong_row", f"has {len(cells)} cells, the header {headers}") if wrong else None
                yield TableRow(first, lines.number, b"".join(lines.raw), lines.offset, cells, refusal)
        offset, number = lines.first_end, first
        yield TableRow(first, first, lines.raw[0], offset, [], broken)


def read_row(file: BinaryIO, offset: int, separator: str) -> TableRow | Exception:
    """The first row from a place on, of as many cells as it has; or why there is none."""
    file.seek(offset)
    lines = _Lines(file, offset, 0)
    try:
        cells = next(csv.reader(lines, delimiter=separator, strict=True))
    except (csv.Error, UnicodeDecodeError, StopIteration) as error:
        return error
    return TableRow(1, lines.number, b"".join(lines.raw), lines.offset, cells)


def _why(error: Exception, lines: _Lines) -> tuple[str, str]:
    if len(lines.raw) == 1:
        if isinstance(error, UnicodeDecodeError):
            return "not_utf8", "the line is not UTF-8"
        if isinstance(error, _RowTooLong):
            return "too_large", f"a row has at most {_ROW_MAX_BYTES} bytes"
    return "wrong_row", "a quote stands in the wrong place or is not closed"
