"""Rows of tables: what is read, where it stands, and what a broken row costs."""

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from agents.table_rows import TableRow, read_rows

CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width).filter(any), min_size=1, max_size=8)
)


def rows(content: bytes, headers: int, offset: int = 0, number: int = 0, separator: str = ",") -> list[TableRow]:
    return list(read_rows(io.BytesIO(content), offset, number, separator=separator, headers=headers))


def plain(row: TableRow) -> tuple[object, ...]:
    """A row by what it says; refusals are exceptions, which are equal to nothing."""
    return (*row[:-1], str(row.refusal))


def told(content: bytes, headers: int = 2) -> list[tuple[int, str]]:
    """Number and content or reason of each row."""
    return [(row.number, row.refusal.reason if row.refusal else "|".join(row.cells)) for row in rows(content, headers)]


@given(table=TABLES, separator=st.sampled_from(",;\t|"))
def test_what_is_written_is_read(table: list[list[str]], separator: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(table)
    found = rows(written.getvalue().encode(), len(table[0]), separator=separator)
    assert [row.cells for row in found] == table
    assert not any(row.refusal for row in found)


@given(st.binary(max_size=300), st.integers(1, 4))
@example(b'a,"b\n"c,d\n', 2)
@example(b"\xff,\n", 2)
def test_rows_join_to_the_whole_file_and_reading_goes_on_from_each(content: bytes, headers: int) -> None:
    found = rows(content, headers)
    kept = b"".join(row.content for row in found)
    assert kept == content[: len(kept)]
    assert not content[len(kept) :].strip(b"\n\r")
    for place, row in enumerate(found):
        later = rows(content, headers, row.end, row.last_number)
        assert [*map(plain, later)] == [*map(plain, found[place + 1 :])]


def test_a_quote_that_is_not_closed_costs_one_line() -> None:
    assert told(b'a,"b\nc,d\ne,f\n') == [(1, "wrong_row"), (2, "c|d"), (3, "e|f")]
    assert told(b'a,"b\nc,"d"\ne,f\n') == [(1, "wrong_row"), (2, "c|d"), (3, "e|f")]
    assert told(b'a,"b\n' + b"c,d\n" * 40_000)[:2] == [(1, "wrong_row"), (2, "c|d")]


def test_a_line_that_is_too_long_costs_itself() -> None:
    content = b"a," + b"b" * 300_000 + b"\nc,d\n"
    assert told(content) == [(1, "too_large"), (2, "c|d")]
    assert rows(content, 2)[-1].end == len(content)


def test_a_row_needs_as_many_cells_as_the_header_unless_it_is_empty() -> None:
    assert told(b"a\n\n,,,\na,b\n") == [(1, "wrong_row"), (2, ""), (3, "|||"), (4, "a|b")]
    assert [row.is_empty for row in rows(b"a\n\n,,,\na,b\n", 2)] == [False, True, True, False]


def test_a_row_of_several_lines_has_the_number_of_its_first() -> None:
    found = rows(b'a,"b\nb"\nc,d\n', 2)
    assert [(row.number, row.last_number) for row in found] == [(1, 2), (3, 3)]
