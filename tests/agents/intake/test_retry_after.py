"""How long a tool asks to be left alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.retry_after import retry_after_seconds

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def asked(**headers: str) -> float | None:
    return retry_after_seconds(429, {name.replace("_", "-"): text for name, text in headers.items()}, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("86400", 3_600),
        ("9" * 400, 3_600),
        ("Fri, 01 May 2026 12:02:30 GMT", 150),
        ("Friday, 01-May-26 12:02:30 GMT", 150),
        ("Fri May  1 12:02:30 2026", 150),
        ("Fri, 01 May 2026 12:02:30 -0000", 150),
        ("Sat, 02 May 2026 12:00:00 GMT", 3_600),
    ],
)
def test_a_wait_is_seconds_or_a_date_and_an_hour_at_most(text: str, seconds: float) -> None:
    assert asked(Retry_After=text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "000", "-5", "soon", "1.5", "Fri, 01 May 2026 12:00:00 GMT", "Thu, 30 Apr 2026 12:00:00 GMT", "٣"]
)
def test_nothing_a_past_date_and_nonsense_are_left_to_our_own_back_off(text: str) -> None:
    assert asked(Retry_After=text) is None


def test_a_date_is_counted_from_the_tools_own_clock() -> None:
    of_the_tool = "Fri, 01 May 2026 12:10:00 GMT"
    assert asked(Retry_After="Fri, 01 May 2026 12:11:00 GMT", Date=of_the_tool) == 60
    assert asked(Retry_After="Fri, 01 May 2026 12:11:00 GMT", Date="today") == 660


def test_a_reset_is_a_span_of_its_own_and_counts_with_429_alone() -> None:
    assert asked(RateLimit_Reset="41") == 41
    assert asked(RateLimit_Reset="0") is None
    assert asked(RateLimit_Reset="1777636800") is None
    assert retry_after_seconds(503, {"RateLimit-Reset": "41"}, NOW) is None


@given(st.text() | st.from_regex(r"\w{3}, \d{1,2} May \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,12}", fullmatch=True))
def test_no_header_breaks_the_reader(text: str) -> None:
    seconds = asked(Retry_After=text)
    assert seconds is None or 0 < seconds <= 3_600
