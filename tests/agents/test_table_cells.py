"""Cells of tables: what they are read as, and what an error does not repeat."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.table_cells import Instant, birthday_converter, converter
from schemas.import_mapping import CellKind

VIENNA = ZoneInfo("Europe/Vienna")


def read(text: str, kind: CellKind | None, *, form: str | None = None, decimal: str = ".") -> Any:
    return converter(kind, form=form, zone=VIENNA, decimal=decimal)(text)


@pytest.mark.parametrize(
    ("text", "decimal", "cents"),
    [
        ("49.90", ".", 4990),
        ("$1,249.5", ".", 124950),
        ("1.249,50 €", ",", 124950),
        ("7", ",", 700),
        ("1,234,567.00", ".", 123456700),
        ("£ 12'345", ".", 1234500),
        ("1\u202f234,50 €", ",", 123450),
        ("1\u00a0234\u00a0567.5", ".", 123456750),
    ],
)
def test_money_is_cents(text: str, decimal: str, cents: int) -> None:
    assert read(text, "cents", decimal=decimal) == cents


@pytest.mark.parametrize(
    ("text", "kind", "decimal"),
    [
        ("49,90", "cents", "."),
        ("49.90", "cents", ","),
        ("1.249,50", "cents", "."),
        ("1,249.50", "cents", ","),
        ("1,2345", "cents", "."),
        ("12,34,567", "cents", "."),
        ("1,234'567", "cents", "."),
        ("1234,567", "cents", "."),
        ("4 9", "cents", "."),
        ("0,500", "cents", "."),
        ("12€50", "cents", "."),
        ("72,5", "number", "."),
        ("7,5 %", "number", "."),
        ("72.5", "number", ","),
        (",5", "number", "."),
        ("1,", "number", "."),
    ],
)
def test_a_number_of_another_country_is_refused_and_never_made_a_hundred_times_as_much(
    text: str, kind: CellKind, decimal: str
) -> None:
    with pytest.raises(ValueError, match=r"must be .*thousands sign between groups of three digits alone"):
        read(text, kind, decimal=decimal)


def test_a_free_value_with_the_other_sign_stays_text() -> None:
    assert read("1.234", None, decimal=",") == "1.234"
    assert read("1,234", None) == "1,234"
    assert read("7,5", None, decimal=",") == 7.5


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("-1.5", -1.5), ("TRUE", True), ("007", "007"), ("12a", "12a"), ("1e9", "1e9")]
)
def test_a_free_value_is_a_number_or_truth_only_where_it_looks_like_one(text: str, value: Any) -> None:
    found = read(text, None)
    assert (found, type(found)) == (value, type(value))


def test_numbers_are_read_with_the_decimal_sign_of_the_mapping() -> None:
    assert read("1.234,5", "number", decimal=",") == 1234.5
    assert read("1,234.5", "number") == 1234.5
    assert read("62 %", "number") == 62


def test_a_time_without_offset_is_local_and_a_date_is_noon_with_its_day() -> None:
    assert read("2026-05-01 07:00", "time").at == datetime(2026, 5, 1, 5, tzinfo=UTC)
    assert read("2026-05-01T07:00:00Z", "time") == Instant(datetime(2026, 5, 1, 7, tzinfo=UTC))
    assert read("01.05.2026", "time", form="%d.%m.%Y") == Instant(
        datetime(2026, 5, 1, 12, tzinfo=VIENNA), date(2026, 5, 1)
    )


@pytest.mark.parametrize(
    ("text", "form", "birthday"),
    [("03.04.1990", "%d.%m.%Y", "1990-04-03"), ("29.02.", "%d.%m.", "02-29"), ("03.04.45", "%d.%m.%y", "04-03")],
)
def test_a_birthday_has_a_year_only_where_four_digits_say_it(text: str, form: str, birthday: str) -> None:
    assert birthday_converter(form)(text) == birthday


@given(
    st.text(min_size=3, max_size=30).map(lambda text: f"ana@example.org {text}"),
    st.sampled_from(["number", "cents", "date", "time"]),
    st.sampled_from([None, "%d.%m.%Y", "%d.%m.%Y %H:%M"]),
)
def test_what_cannot_be_read_is_refused_without_being_repeated(text: str, kind: CellKind, form: str | None) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        read(text, kind, form=form)
    assert "ana@" not in str(refused.value)
