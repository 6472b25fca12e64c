from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.channels.penmanship import Run, written


def letters(text: str) -> str:
    return "".join(run.text for run in written(text) or ())


@pytest.mark.parametrize("name", ["Ana Silva", "Łukasz Żółć", "Nguyễn Thị Hạnh", "O'Neil-D'Arcy", "Ελένη", "Ґринюк"])
def test_latin_greek_and_cyrillic_are_written_as_they_are(name: str) -> None:
    assert written(name) == (Run(font="EBGaramond-Regular", text=name),)


def test_hebrew_is_written_from_right_to_left() -> None:
    assert written("לאה כהן") == (Run(font="FrankRuhlLibre-Regular", text="ןהכ האל"),)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("محمد", "\ufeaa\ufee4\ufea4\ufee3"),  # initial mim, medial hah, medial mim, final dal: from the right
        ("سلام", "\ufee1\ufefc\ufeb3"),  # lam and alef are one
        ("دار", "\ufead\ufe8d\ufea9"),  # letters that join to nobody after them
    ],
)
def test_arabic_letters_join_and_run_from_right_to_left(name: str, shown: str) -> None:
    assert written(name) == (Run(font="Amiri-Regular", text=shown),)


def test_two_scripts_in_one_name_take_a_font_each() -> None:
    assert [run.font for run in written("Ana محمد") or ()] == ["EBGaramond-Regular", "Amiri-Regular"]


@pytest.mark.parametrize("name", ["Ana 🌸 Silva", "Ana ❤️ Silva", "Ana 👩🏽‍🚀 Silva", "Ana\u200b Silva"])
def test_what_is_no_letter_is_left_out(name: str) -> None:
    assert letters(name) == "Ana Silva"


@pytest.mark.parametrize("name", ["田中 Ana", "अनीता", "🌸", "", " ", "\u0301"])
def test_a_text_is_written_whole_or_not_at_all(name: str) -> None:
    assert written(name) is None


def test_a_letter_with_its_accent_beside_it_is_one_letter() -> None:
    assert letters("Zoe\u0308") == "Zo\u00eb"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    runs = written(text)
    if runs is not None:
        assert all(run.text for run in runs)
        assert all(before.font != after.font for before, after in pairwise(runs))
