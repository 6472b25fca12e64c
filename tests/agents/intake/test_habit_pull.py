from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import Finding, Person
from agents.intake.habit_pull import translate
from schemas.event import HabitData

VIENNA = ZoneInfo("Europe/Vienna")
HEARD_AT = datetime(2026, 5, 10, 2, tzinfo=UTC)


def read(*rows: Any) -> tuple[tuple[Finding, ...], int]:
    return translate("habits", rows, VIENNA, HEARD_AT)


def row(client: Any = "ana@example.com", habit: str = "movement", day: str = "2026-05-08") -> dict[str, Any]:
    return {"client": client, "habit": habit, "day": day}


def test_a_row_is_a_check_dated_noon_of_its_day() -> None:
    (finding,), wrong = read(row())
    assert wrong == 0
    (check,) = finding.happenings
    assert check.data == HabitData(habit_id="movement", day=date(2026, 5, 8))
    assert check.occurred_at == datetime(2026, 5, 8, 12, tzinfo=VIENNA)
    assert (check.id, check.unique_within) == ("habits:movement:2026-05-08", "client")


def test_a_check_is_never_dated_after_it_was_heard() -> None:
    (finding,), _ = read(row(day="2026-05-11"))
    assert finding.happenings[0].occurred_at == HEARD_AT


def test_the_checks_of_a_client_are_one_finding_in_order_of_day() -> None:
    findings, _ = read(row(), row(client="u-7"), row(day="2026-05-07"))
    assert [finding.person for finding in findings] == [
        Person(email="ana@example.com"),
        Person(external_id="u-7"),
    ]
    assert [check.data.day.day for check in findings[0].happenings] == [7, 8]


def test_a_client_may_be_an_object_with_id_and_address() -> None:
    (finding,), _ = read(row(client={"id": "u-7", "email": "ana@example.com", "name": "Ana"}))
    assert finding.person == Person(external_id="u-7", email="ana@example.com")
    assert finding.facts["name"] == "Ana"


def test_a_wrong_row_is_counted_and_spoils_no_other() -> None:
    findings, wrong = read(None, row(day="soon"), row(client={}), row(client=""), row())
    assert (len(findings), wrong) == (1, 4)


@given(st.lists(st.dictionaries(st.sampled_from(["client", "habit", "day"]), st.text() | st.none())))
def test_no_rows_crash_the_translator(rows: list[dict[str, Any]]) -> None:
    findings, wrong = read(*rows)
    assert sum(len(finding.happenings) for finding in findings) + wrong == len(rows)
