"""A table in a file: its separator and its header, found in its first row.

It must never repeat a cell: what stands in the first line may be a person's address.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agents.table_rows import read_row

SEPARATORS: Final = (",", ";", "\t", "|")
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class TableErrors(Exception):
    """A table or its mapping cannot be used; the operator must mend every line that it names."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class TableFile(NamedTuple):
    """What the first row says.

    Attributes:
        headers: as they are written, without spaces around them.
        begins: the offset of the first row of values.
        lines: how many lines the header takes.
    """

    path: Path
    separator: str
    headers: tuple[str, ...]
    begins: int
    lines: int


def open_table(path: Path, separator: str | None = None) -> TableFile:
    """The table in a file; `separator` is found in the header without.

    Raises:
        TableErrors: it is not UTF-8, or its first row is no header.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(len(_BOM))
        if start.startswith(_WIDE_BOMS):
            raise TableErrors([f"{path}: the file is in UTF-16; save it as CSV in UTF-8."])
        offset = len(_BOM) if start == _BOM else 0
        found = [read_row(file, offset, one) for one in ([separator] if separator else SEPARATORS)]
    try:
        rows = [row for row in found if not isinstance(row, Exception)]
        best = max(rows, key=lambda row: len(row.cells))
    except ValueError:
        raise TableErrors([f"{path}: the first row is no header: {_said(found)}."]) from None
    headers = tuple(" ".join(cell.split()) for cell in best.cells)
    if faults := _faults(headers):
        raise TableErrors([f"{path}: {fault}" for fault in faults])
    chosen = separator or SEPARATORS[found.index(best)]
    return TableFile(path=path, separator=chosen, headers=headers, begins=best.end, lines=best.last_number)


def folded(header: str) -> str:
    """A header as it is compared: in any case, with any space."""
    return " ".join(header.split()).casefold()


def _said(found: Sequence[object]) -> str:
    if any(isinstance(error, UnicodeDecodeError) for error in found):
        return "it is not UTF-8; save the file as CSV in UTF-8"
    return "a quote is not closed" if any(isinstance(error, csv.Error) for error in found) else "the file is empty"


def _faults(headers: tuple[str, ...]) -> list[str]:
    if any("@" in header for header in headers):
        return ["line 1 holds an address, so it is no header: the first line must name the columns."]
    if not any(headers):
        return ["line 1 names no column: the first line must be the header."]
    counts = Counter(map(folded, filter(None, headers)))
    return [
        f'the header names the column "{header}" {counts[folded(header)]} times: rename all but one.'
        for position, header in enumerate(headers)
        if counts[folded(header)] > 1 and folded(header) not in map(folded, headers[:position])
    ]
