import ast
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import demo.count_given
from demo.count import Count, Win
from demo.count_given import Given, count_given
from demo.steps import MessageStep

ANN = "ann@example.org"
GRADUATION = Win(client=ANN, rule="thirty-six", threshold=36, on=date(2026, 4, 27))
STREAK = Win(client=ANN, rule="iron-streak", threshold=14, on=date(2026, 3, 1))


def _says(
    *, granted: bool, at: datetime = datetime(2026, 2, 2, 15, tzinfo=UTC), email: str = "Ann@Example.org"
) -> MessageStep:
    consents = {"marketing": {"granted": granted, "source": "form", "at": at.isoformat()}}
    body = {"type": "client.updated", "data": {"client": {"email": email, "consents": consents}}}
    return MessageStep(at=at, message_id=f"m{at:%j}", body=body)


def _given(
    *wins: Win, said: tuple[MessageStep, ...] = (), withheld: dict[tuple[str, str], date] | None = None
) -> Given:
    return count_given(said, Count(wins=wins, inputs={}, copies=0, withheld=withheld or {}))


def test_with_consent_session_36_brings_certificate_gift_and_referral() -> None:
    given = _given(GRADUATION, said=(_says(granted=True),))
    assert given.by_part() == {"certificate": 1, "gift": 1, "referral": 1}
    assert (given.gifts, given.cents, given.waiting) == ({(ANN, 2_500): 1}, 2_500, {})


def test_without_consent_the_certificate_goes_alone() -> None:
    assert _given(GRADUATION).by_part() == {"certificate": 1}
    assert _given(GRADUATION, said=(_says(granted=True, email="bo@example.org"),)).by_part() == {"certificate": 1}


def test_the_last_word_before_the_win_counts() -> None:
    before, after = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 28, tzinfo=UTC)
    yes = _says(granted=True)
    assert "gift" not in _given(GRADUATION, said=(yes, _says(granted=False, at=before))).by_part()
    assert "gift" in _given(GRADUATION, said=(yes, _says(granted=False, at=after))).by_part()


def test_a_session_that_nobody_ticked_off_makes_the_gift_wait() -> None:
    given = _given(replace(GRADUATION, is_inferred=True), said=(_says(granted=True),))
    assert given.by_part() == {"certificate": 1, "referral": 1}
    assert (given.waiting, given.cents) == ({ANN: 1}, 0)


def test_a_client_gets_no_more_in_a_month_than_the_budget_allows() -> None:
    again = [replace(GRADUATION, on=day) for day in (date(2026, 4, 29), date(2026, 5, 1))]
    given = _given(GRADUATION, *again, said=(_says(granted=True),))
    assert (given.gifts, given.waiting) == ({(ANN, 2_500): 2}, {ANN: 1})


def test_the_practice_gives_no_more_in_a_month_than_the_budget_allows() -> None:
    clients = [f"c{n}@example.org" for n in range(41)]
    wins = [replace(GRADUATION, client=client) for client in clients]
    given = _given(*wins, said=tuple(_says(granted=True, email=client) for client in clients))
    assert (given.cents, given.waiting.total()) == (100_000, 1)


def test_a_client_is_asked_for_a_referral_once_in_the_cool_down() -> None:
    soon, late = (replace(GRADUATION, on=GRADUATION.on + timedelta(days=days)) for days in (179, 180))
    said = (_says(granted=True),)
    assert _given(GRADUATION, soon, said=said).by_part()["referral"] == 1
    assert _given(GRADUATION, late, said=said).by_part()["referral"] == 2


def test_a_streak_brings_a_badge_and_half_a_course_a_video() -> None:
    halfway = Win(client=ANN, rule="halfway", threshold=50, on=date(2026, 3, 1))
    assert _given(STREAK, halfway).by_part() == {"badge": 1, "video": 1}


def test_who_left_the_mails_gets_the_badge_in_the_app_and_no_certificate() -> None:
    left = {(ANN, "email"): date(2026, 2, 20)}
    assert _given(STREAK, GRADUATION, withheld=left).by_part() == {"badge": 1}


def test_quiet_withholds_everything() -> None:
    quiet = {(ANN, part): date(2026, 2, 20) for part in ("email", "in_app", "gift")}
    given = _given(STREAK, GRADUATION, said=(_says(granted=True),), withheld=quiet)
    assert (given.parts, given.gifts, given.waiting) == (Counter(), Counter(), Counter())


def test_the_count_shares_no_code_with_what_it_checks() -> None:
    tree = ast.parse(Path(str(demo.count_given.__file__)).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {str(name).partition(".")[0] for name in imported - {"demo.count", "demo.steps"}} <= sys.stdlib_module_names
