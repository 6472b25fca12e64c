import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.channels.render import Links, Renderer
from agents.channels.sms_text import plainly, segments
from schemas.celebration import Approved
from schemas.client import Profile
from schemas.tenant import NextLink
from tests.sample_milestones import ANA, COACH, SAMPLES, milestone, occasion, tenant

RENDERER = Renderer()


def text_of(reached: Any, folder: Path, phrase: Any = 0, **people: Any) -> str:
    known = {"profile": ANA, "coach": COACH, "tenant": tenant(folder), **people}
    return RENDERER.render(occasion(reached, phrase=phrase), channel="sms", links=Links(), **known).text


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


MARYAM = "\u0645\u0631\u064a\u0645 \u062d\u062f\u0627\u062f"
DAVID = "\u05d3\u05d5\u05d3 \u05dc\u05d5\u05d9"
LUCJA = "\u0141ucja \u017bak"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("client", [MARYAM, DAVID, LUCJA])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_name_that_the_networks_have_no_letters_for_is_left_out(
    tmp_path: Path, name: str, client: str, language: str
) -> None:
    for phrase in range(3):
        text = text_of(SAMPLES[name], tmp_path, phrase, profile=Profile(name=client, locale=language))
        nobody = text_of(SAMPLES[name], tmp_path, phrase, profile=Profile(locale=language))
        assert segments(text).count == 1
        if segments(text).encoding == "GSM-7":
            assert text == nobody
        else:
            assert client.split(maxsplit=1)[0] in text, "it is short enough to be sent with sixteen bits a letter"


def test_a_name_costs_nothing_where_the_networks_have_its_letters(tmp_path: Path) -> None:
    assert "Jürgen" in text_of(SAMPLES["streak-30"], tmp_path, profile=Profile(name="Jürgen Müller"))


def test_a_coachs_own_words_keep_the_name_that_stands_in_them(tmp_path: Path) -> None:
    own = Approved(subject="x", paragraphs=(f"Well done, {MARYAM}.",))
    text = RENDERER.render(
        occasion(SAMPLES["streak-30"], approved=own),
        channel="sms",
        tenant=tenant(tmp_path),
        links=Links(),
        profile=Profile(name=MARYAM),
        coach=COACH,
    ).text
    assert MARYAM in text


@pytest.mark.parametrize("coach", [MARYAM, LUCJA])
def test_a_coach_whose_name_costs_a_segment_lets_the_practice_speak(tmp_path: Path, coach: str) -> None:
    text = text_of(SAMPLES["streak-30"], tmp_path, coach=COACH.model_copy(update={"name": coach}))
    assert text.endswith("Northstar Strength. Reply STOP to end.")
    assert (segments(text).encoding, segments(text).count) == ("GSM-7", 1)
    assert "Ana" in text


@pytest.mark.parametrize(
    ("practice", "bare", "most"),
    [
        ("\U0001f4aa\U0001f3fd Iron \u2764\ufe0f Oak", "Iron Oak", 1),
        ("\U0001f4aa", "\U0001f4aa", 2),
        ("\u0646\u0627\u062f\u064a \u0627\u0644\u0642\u0648\u0629",) * 2 + (2,),
    ],
    ids=["pictures in it", "nothing but a picture", "Arabic"],
)  # fmt: skip
@pytest.mark.parametrize("name", SAMPLES)
def test_a_practice_in_other_letters_is_named_and_what_can_be_shortened_is(
    tmp_path: Path, name: str, practice: str, bare: str, most: int
) -> None:
    home = replace(tenant(tmp_path), name=practice)
    text = text_of(SAMPLES[name], tmp_path, tenant=home, profile=Profile(name=DAVID))
    assert text.endswith((f"{practice}. Reply STOP to end.", f"{bare}. Reply STOP to end."))
    assert segments(text).count <= most


def test_a_step_and_the_practice_stay_when_the_names_go(tmp_path: Path) -> None:
    step = Links(next_step=NextLink(label="Pick a time", url="https://book.example/ana"))
    text = RENDERER.render(
        occasion(SAMPLES["thirty-six"], next_step="offer"),
        channel="sms",
        tenant=tenant(tmp_path),
        links=step,
        profile=Profile(name=MARYAM),
        coach=COACH,
    ).text
    assert "Pick a time: https://book.example/ana Jo, Northstar Strength." in text
    assert segments(text).encoding == "GSM-7"
