"""What a table's headers and first rows suggest, and where nothing is guessed."""

from pathlib import Path
from typing import Any

import pytest

from agents.table_file import TableErrors, open_table
from agents.table_guess import guess


def guessed(folder: Path, text: str) -> dict[str, Any]:
    """The guess as a mapping file has it, with what it does not use."""
    table = folder / "table.csv"
    table.write_text(text)
    found = guess(open_table(table))
    return {
        **found.mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "unused": list(found.unused),
    }


def refused(folder: Path, text: str) -> str:
    with pytest.raises(TableErrors) as errors:
        guessed(folder, text)
    return str(errors.value)


@pytest.mark.parametrize(
    ("dates", "form"),
    [
        ("28.05.2026 01.06.2026", "%d.%m.%Y"),
        ("05/28/2026 06/01/2026", "%m/%d/%Y"),
        ("28/05/2026 01/06/2026", "%d/%m/%Y"),
        ("2026/05/28", "%Y/%m/%d"),
    ],
)
def test_a_date_format_is_the_one_that_fits(tmp_path: Path, dates: str, form: str) -> None:
    rows = "".join(f"ana,run,{date}\n" for date in dates.split())
    assert guessed(tmp_path, f"client,habit,date\n{rows}")["event"]["time"] == {"column": "date", "format": form}


def test_dates_that_may_be_read_in_two_ways_are_not_guessed(tmp_path: Path) -> None:
    told = refused(tmp_path, "client,habit,date\nana,run,03/04/2026\nana,run,05/06/2026\n")
    assert 'column "date" may be written as %d/%m/%Y or %m/%d/%Y' in told
    assert "--mapping" in told


@pytest.mark.parametrize(
    ("dates", "time"),
    [
        ("2026-05-01 2026-13-02 2026-05-03", {"column": "date"}),
        ("28.05.2026 31.02.2026 01.06.2026", {"column": "date", "format": "%d.%m.%Y"}),
        ("28.05.2026 29.05.2026 soon 31.05.2026", {"column": "date", "format": "%d.%m.%Y"}),
        (" ".join(["28.05.2026"] * 8 + ["soon"] * 2), {"column": "date", "format": "%d.%m.%Y"}),
    ],
)
def test_one_bad_date_is_the_reports_and_leaves_the_guess_standing(tmp_path: Path, dates: str, time: Any) -> None:
    rows = "".join(f"ana,run,{date}\n" for date in dates.split())
    assert guessed(tmp_path, f"client,habit,date\n{rows}")["event"]["time"] == time


def test_one_bad_birthday_leaves_those_without_a_year_standing(tmp_path: Path) -> None:
    found = guessed(tmp_path, "email,birthday\na@example.org,02-29\nb@example.org,spring\nc@example.org,12-01\n")
    assert found["profile"] == {"birthday": {"column": "birthday"}}


@pytest.mark.parametrize(
    ("dates", "line"),
    [
        ("2026-05-01 2026-13-02", 3),
        ("28.05.2026 soon", 3),
        ("28.05.2026 29.05.2026 soon 30.05.2026 later", 4),
        ("soon", 2),
    ],
)
def test_a_line_is_named_whose_date_defeats_the_guess(tmp_path: Path, dates: str, line: int) -> None:
    rows = "".join(f"ana,run,{date}\n" for date in dates.split())
    told = refused(tmp_path, f"client,habit,date\n{rows}")
    assert f'column "date" are written in no way that is known, or in several: see line {line}.' in told


def test_dates_of_which_as_many_are_read_either_way_are_not_guessed(tmp_path: Path) -> None:
    told = refused(tmp_path, "client,habit,date\nana,run,28/05/2026\nana,run,03/04/2026\nana,run,05/28/2026\n")
    assert 'column "date" may be written as %d/%m/%Y or %m/%d/%Y' in told


def test_a_column_of_addresses_is_no_id(tmp_path: Path) -> None:
    assert guessed(tmp_path, "client,habit,date\nana@example.org,run,2026-05-01\n")["client"] == {
        "email": {"column": "client"}
    }


def test_an_address_is_whom_a_row_is_about_and_the_tools_id_is_left_out(tmp_path: Path) -> None:
    found = guessed(
        tmp_path, "Client ID,E-Mail,Full Name,Date of Birth,Member since\n7,a@example.org,A,02-29,2024-01-01\n"
    )
    assert found["client"] == {"email": {"column": "E-Mail"}}
    assert found["profile"] == {
        "name": {"column": "Full Name"},
        "birthday": {"column": "Date of Birth"},
        "joined_on": {"column": "Member since"},
    }
    assert found["unused"] == ["Client ID"]


def test_a_type_follows_from_the_fields_where_no_column_has_it(tmp_path: Path) -> None:
    found = guessed(tmp_path, "client,order,price,currency,time\nana,7,49.90,EUR,2026-05-01T07:00:00Z\n")
    assert found["event"]["type"] == {"constant": "purchase.completed"}
    assert found["event"]["data"]["amount_cents"] == {"column": "price", "as": "cents"}


@pytest.mark.parametrize(
    ("header", "numbers", "decimal"),
    [
        ("price", "49,90 120", ","),
        ("price", "49.90 120", "."),
        ("price", "1.249,50 1.249", ","),
        ("price", "1,249 1,300", "."),  # money has no three digits after its sign
        ("price", "120 90", "."),
        ("percent", "72,5 80", ","),
        ("percent", "7,5\u00a0% 12,500", ","),
        ("data_weight", "81,4 81,125", ","),
        ("data_weight", "81.4 heavy", "."),
        ("data_note", "1a 2b", "."),
        ("percent", "72.5 73.5 74.5 75,5", "."),
    ],
)
def test_the_sign_before_a_fraction_is_the_one_that_fits(
    tmp_path: Path, header: str, numbers: str, decimal: str
) -> None:
    rows = "".join(f"ana;order.done;2026-05-01;{number}\n" for number in numbers.split(" "))
    assert guessed(tmp_path, f"client;type;date;{header}\n{rows}").get("decimal", ".") == decimal


def test_numbers_that_may_be_read_in_two_ways_are_not_guessed(tmp_path: Path) -> None:
    told = refused(tmp_path, "client;type;date;data_weight\nana;weight.taken;2026-05-01;1,234\n")
    assert 'column "data_weight" may be written with a point or a comma before the fraction' in told
    assert "`decimal:`" in told
    assert "--mapping" in told


def test_one_number_that_tells_decides_for_a_column_that_does_not(tmp_path: Path) -> None:
    rows = "ana;weight.taken;2026-05-01;1,234;49,90\n"
    assert guessed(tmp_path, f"client;type;date;data_weight;price\n{rows}")["decimal"] == ","


def test_numbers_of_which_as_many_have_either_sign_are_not_guessed(tmp_path: Path) -> None:
    rows = "".join(f"ana;order.done;2026-05-01;{number}\n" for number in ("49,90", "49.90", "12.50", "12,50"))
    assert 'column "price" and others are written with a point and with a comma before the fraction: see line 3' in (
        refused(tmp_path, f"client;type;date;price\n{rows}")
    )


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("who,type,time", "no column is called client_id or email"),
        ("client,type,what", "no column is called time or date"),
        ("client,colour", "no column looks like an event's type and time"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, header: str, text: str) -> None:
    assert text in refused(tmp_path, f"{header}\n")
