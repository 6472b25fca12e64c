import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.channels.render import Links, Renderer
from agents.channels.sms_text import plainly, segments
from tests.sample_milestones import ANA, COACH, SAMPLES, milestone, occasion, tenant

RENDERER = Renderer()


def text_of(reached: Any, folder: Path, **people: Any) -> str:
    known = {"profile": ANA, "coach": COACH, **people}
    return RENDERER.render(occasion(reached), channel="sms", tenant=tenant(folder), links=Links(), **known).text


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "GSM-7", 0),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),  # two characters each
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),  # an escape and its character stay together
        ("ç" * 70, "UCS-2", 1),  # GSM has only the capital
        ("ç" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),  # two units each
        ("😀" * 36, "UCS-2", 2),
        ("مرحبا", "UCS-2", 1),
    ],
)
def test_a_text_costs_what_the_networks_charge(text: str, encoding: str, count: int) -> None:
    assert (segments(text).encoding, segments(text).count) == (encoding, count)


@given(st.text())
def test_no_text_costs_less_when_it_grows_and_plain_marks_never_cost_more(text: str) -> None:
    assert segments(text).count <= segments(f"{text}x").count
    assert segments(plainly(text)).count <= segments(text).count
    assert plainly(text) == text or segments(plainly(text)).encoding == "GSM-7"


def test_marks_that_only_printers_have_do_not_double_the_price() -> None:
    assert plainly("It\u2019s \u201cthirty\u201d days \u2013 at last\u2026") == 'It\'s "thirty" days - at last...'
    assert plainly("\u0414\u0430 \u2013 \u0434\u0430") == "\u0414\u0430 \u2013 \u0434\u0430", "it gains nothing"
    assert plainly("\u2026" * 70) == "\u2026" * 70, "three dots for one would cost a segment more"


@pytest.mark.parametrize("known", [True, False], ids=["known client", "unknown client"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_text_message_says_what_and_from_whom_in_one_segment_and_shows_no_placeholder(
    tmp_path: Path, name: str, known: bool
) -> None:
    text = text_of(SAMPLES[name], tmp_path, **({} if known else {"profile": None, "coach": None}))
    assert segments(text).count == 1
    assert text.endswith("Northstar Strength. Reply STOP to end.")
    assert not re.search(r"[\[\]{}<>]|\bNone\b|undefined|\(\)|  | ,| \.|\n", text)
    assert text[0].isupper() or not text[0].isalpha()


@pytest.mark.parametrize("tier", ["micro", "streak", "program", "major", "nudge"])
def test_every_tier_has_words_for_a_rule_that_nobody_foresaw(tmp_path: Path, tier: str) -> None:
    reached = milestone("something-new", "value", tier, 7, name="Seven hills", facts={})
    text = text_of(reached, tmp_path)
    assert "Seven hills" in text
