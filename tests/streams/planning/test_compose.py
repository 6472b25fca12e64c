from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.client import Profile
from schemas.milestone import Milestone
from streams.planning.compose import Words, compose, given_name, line
from tests.sample_milestones import ANA, COACH, SAMPLES, milestone, streak


def words_of(reached: Milestone, **changes: Any) -> Words:
    known = {"profile": ANA, "coach": COACH, "tenant_name": "Northstar", "tenant_zone": "Europe/Vienna"}
    return compose(reached, **{**known, **changes})


@pytest.mark.parametrize(
    ("name", "greeting"),
    [("Ana Silva", "Ana"), ("ANA SILVA", "Ana"), ("ana silva", "Ana"), ("Silva, Ana", "Ana"), ("Dr. Ana Silva", "Ana"),
     ("Jean-luc Picard", "Jean-luc"), ("JEAN-LUC PICARD", "Jean-Luc"), ("McKenna Lee", "McKenna"), ("李小龙", "李小龙"),
     ("J. Smith", None), ("ana@clients.example", None), ("Client 17", None), ("{{first_name}}", None),
     ("[First Name]", None), ("First Name", None), ("null", None), ("*|FNAME|*", None), ("%FIRSTNAME%", None),
     ("Dr.", None), ("x" * 60, None), ("Silva,", "Silva"), ("🦊 Ana", "Ana"), ("Ana🦊 Silva", "Ana"), ("🦊 🐻", None),
     ("❤️Ana❤️", "Ana"), ("O'BRIEN", "O'Brien"), ("D\u2019ANGELO Rossi", "D\u2019Angelo"), ("مريم حداد", "مريم"),
     ("علی‌رضا احمدی", "علی‌رضا"), ("—", None)],
)  # fmt: skip
def test_a_greeting_uses_a_name_only_when_it_is_safe(name: str, greeting: str | None) -> None:
    assert given_name(name) == greeting


@pytest.mark.parametrize(
    ("text", "clean"),
    [("  Morning\n run ", "Morning run"), ("a\u2028b\x00c\u200bd", "a b c d"), ("", None), (None, None), (7, None),
     ("{{title}}", None), ("{% if x %}", None), ("${title}", None), ("{title}", None), ("[Title]", None),
     ("<title>", None),
     ("👩\u200d💻 code", "👩\u200d💻 code"), ("a\u200d", "a"), ("\u200cb", "b"), ("a\u200d\u200db", "a b"),
     ("N/A", None), ("---", None), ("???", None), ("Chest | Back <3", "Chest | Back <3")],
)  # fmt: skip
def test_text_from_outside_becomes_one_line_or_counts_as_unknown(text: object, clean: str | None) -> None:
    assert line(text) == clean


@pytest.mark.parametrize("title", ["[" * 1_000_000, "<" * 1_000_000, "word " * 200_000, "w" * 1_000_000])
def test_a_megabyte_of_title_is_only_looked_into(title: str) -> None:
    clean = line(title)
    assert clean is None or len(clean) <= 80


def test_a_long_title_is_cut_at_a_word() -> None:
    cut = line("word " * 40)
    assert cut is not None
    assert len(cut) <= 80
    assert cut.endswith("word…")


@given(st.text())
def test_no_text_from_outside_opens_a_line(text: str) -> None:
    clean = line(text)
    assert clean is None or (clean.splitlines() == [clean] and "{{" not in clean)


def test_what_is_not_known_has_no_word() -> None:
    words = words_of(milestone("first-session", "count", "micro", 1, facts={}), profile=None, coach=None)
    assert not {"first_name", "title", "started_on", "share"} & set(words)
    assert None not in words.values()
    assert words["signed_by"] == "Northstar"
    assert words["signature"] == ("Northstar",)


def test_a_streak_tells_its_first_day_and_its_length() -> None:
    words = words_of(streak(30))
    assert words["started_on"] == "6 April"
    assert words["started_weekday"] == "Monday"
    assert words["streak_days"] == 30
    assert words["span"] == "a month"
    assert words["title"] == "Morning run"


def test_a_streak_of_an_unknown_first_day_does_not_invent_one() -> None:
    words = words_of(streak(30, occurrence="once"))
    assert not {"started_on", "started_weekday", "span"} & set(words)
    assert words["had_rest"] is False


@pytest.mark.parametrize(("began_on", "had_rest"), [("2026-04-06", False), ("2026-04-05", True), ("2026-03-20", True)])
def test_a_run_with_paused_days_tells_its_length_and_nothing_about_the_days_between(
    began_on: str, had_rest: bool
) -> None:
    words = words_of(streak(30, occurrence=f"morning-run/{began_on}"))
    assert words["had_rest"] is had_rest
    assert words["streak_days"] == 30
    assert words["streak_days_words"] == "thirty"
    for name in ("started_on", "started_weekday", "span"):
        assert (name in words) is not had_rest


def test_the_first_day_counts_where_the_client_lives() -> None:
    late = streak(30, reached_at=datetime(2026, 5, 5, 22, 30, tzinfo=UTC), occurrence="morning-run/2026-04-07")
    assert words_of(late, profile=Profile(timezone="Europe/Vienna"))["started_on"] == "7 April"
    assert words_of(late, profile=Profile(timezone="America/New_York"))["had_rest"] is True


def test_what_is_no_run_had_no_rest() -> None:
    assert words_of(SAMPLES["five"])["had_rest"] is False


def test_a_lapse_tells_how_long_the_run_was() -> None:
    words = words_of(SAMPLES["streak-broken"])
    assert words["streak_days_words"] == "nineteen"
    assert words["had_rest"] is False


@pytest.mark.parametrize(
    ("ended_on", "began_on", "had_rest"),
    [("2026-05-03", "15 April", False), ("2026-05-04", None, True), (None, None, False)],
)
def test_a_lapse_tells_when_its_run_began_if_it_knows_where_it_ended(
    ended_on: str | None, began_on: str | None, had_rest: bool
) -> None:
    facts = {"streak_ended_on": ended_on} if ended_on else {}
    over = milestone("broken", "lapse", "nudge", None, value=19, occurrence="morning-run/2026-04-15", facts=facts)
    words = words_of(over)
    assert (words.get("started_on"), words["had_rest"]) == (began_on, had_rest)


@pytest.mark.parametrize(("percent", "share"), [(25, "a quarter"), (50, "half"), (80, "80 percent"), (100, "all")])
def test_a_percentage_is_a_share(percent: int, share: str) -> None:
    assert words_of(milestone("halfway", "percent", "program", percent))["share"] == share


def test_a_rule_without_a_name_is_called_by_its_id() -> None:
    assert words_of(milestone("core-goal", "count", "major", 1))["name"] == "core goal"
    assert words_of(milestone("core-goal", "count", "major", 1, name="{{x}}"))["name"] == "core goal"
    assert words_of(milestone("core-goal", "count", "major", 1, name="Your core goal"))["name"] == "Your core goal"


def test_the_weekday_is_the_clients_own() -> None:
    evening = milestone("first-session", "count", "micro", 1, reached_at=datetime(2026, 5, 5, 22, 30, tzinfo=UTC))
    assert words_of(evening, profile=Profile(timezone="Europe/Vienna"))["weekday"] == "Wednesday"
    assert words_of(evening, profile=Profile(timezone="America/New_York"))["weekday"] == "Tuesday"
    assert words_of(evening, profile=None)["weekday"] == "Wednesday"


def test_a_coach_without_a_signature_signs_for_the_practice() -> None:
    words = words_of(SAMPLES["streak-30"], coach=COACH.model_copy(update={"signature": None, "name": "J. K."}))
    assert words["signature"] == ("J. K.", "Northstar")
    assert words["signed_by"] == "J. K."


def test_a_threshold_that_is_no_whole_number_has_no_rank() -> None:
    words = words_of(milestone("ten-kilos", "value", "program", 79.5))  # type: ignore[arg-type]
    assert words["number"] == 79.5
    assert "ordinal_words" not in words


def test_the_way_so_far_is_cleaned_too() -> None:
    facts = {"so_far": {"sessions": 3, "note": "two\nlines", "bad": "{{x}}", "list": [1]}}
    assert words_of(milestone("x", "count", "micro", 1, facts=facts))["so_far"] == {"sessions": 3, "note": "two lines"}
    assert words_of(milestone("x", "count", "micro", 1, facts={"so_far": "much"}))["so_far"] == {}


def test_a_name_from_right_to_left_stands_alone_and_no_other_pays_for_it() -> None:
    words = words_of(streak(30), profile=Profile(name="مريم حداد"))
    assert words["first_name"] == "\u2068مريم\u2069"
    assert words_of(streak(30), profile=Profile(name="Łukasz Żak"))["first_name"] == "Łukasz"
    title = {"title": "جري", "habit_id": "run"}
    assert words_of(streak(30, facts=title))["title"] == "\u2068جري\u2069"


AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("after", "weekday", "is_late"),
    [
        (AN_HOUR, "Tuesday", False),
        (36 * AN_HOUR, "Tuesday", False),
        (37 * AN_HOUR, "Tuesday", True),
        (6 * A_DAY, "Tuesday", True),
        (7 * A_DAY, "5 May", True),
        (300 * A_DAY, "5 May 2026", True),
    ],
)
def test_a_weekday_is_said_as_long_as_it_means_the_last_one_of_its_name(
    after: timedelta, weekday: str, is_late: bool
) -> None:
    reached = SAMPLES["first-session"]
    words = words_of(reached, told_at=reached.reached_at + after)
    assert (words["weekday"], words["is_late"]) == (weekday, is_late)
    assert words["on_day"] == f"on {weekday}"
    assert words["since_day"] == f"since {weekday}"


def test_words_are_of_the_language() -> None:
    words = words_of(streak(30), locale="de-AT")
    assert words["started_on"] == "6. April"
    assert words["started_weekday"] == "Montag"
    assert words["streak_days_words"] == "dreißig"
    assert words["on_day"] == "am Dienstag"


def test_an_anniversary_tells_its_years_if_it_knows_them() -> None:
    assert words_of(SAMPLES["anniversary"])["years"] == 2
    assert "years" not in words_of(SAMPLES["a-year"])
