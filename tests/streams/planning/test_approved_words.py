"""What a coach typed, as a message may carry it."""

import pytest

from schemas.celebration import Approved
from streams.planning.approved_words import UnfitWords, approved_words, visible


def test_empty_lines_part_paragraphs_and_each_becomes_one_line() -> None:
    typed = approved_words("  Well\tdone,\n Ana ", "Dear Ana,\r\n\r\nthis is\r\none line.\n \n\n\nAnd this.\n")
    assert typed == Approved(subject="Well done, Ana", paragraphs=("Dear Ana,", "this is one line.", "And this."))


def test_an_emoji_stays_and_a_control_character_does_not() -> None:
    assert approved_words("Hi", "a\x00b 👩‍💻 [sic]").paragraphs == ("a b 👩‍💻 [sic]",)


@pytest.mark.parametrize(
    "own",
    ["Week [36], Ana", "{3} [[36]] of 40", "<here> 100%% ** | **", "[my name for it]", "unknown", "Name", "${36}"],
)
def test_a_persons_own_brackets_are_no_placeholder(own: str) -> None:
    assert approved_words(own, own) == Approved(subject=own, paragraphs=(own,))


def test_what_shows_nothing_goes_and_what_shapes_stays() -> None:
    assert visible("a\u202eb\u200b\ufeffc\u00ad \ud800\x1fd") == "abc d"
    assert visible("\u2068مریم\u2069 می\u200cروم") == "\u2068مریم\u2069 می\u200cروم"
    assert visible("\u200d \u2068") == ""


@pytest.mark.parametrize(
    ("subject", "text", "fault"),
    [
        (" ", "x", "the subject is empty"),
        ("x", "\n \n", "the text is empty"),
        ("x" * 201, "x", "the subject is longer than 200"),
        ("x", "x" * 8001, "the text is longer than 8000"),
        ("Hi {{ name }}", "x", "placeholder"),
        ("x", "Dear [First Name],", "placeholder"),
        ("x", "a %} b", "placeholder"),
        ("x", "Dear *|FNAME|*,", "placeholder"),
    ],
)
def test_what_cannot_go_is_refused_with_what_to_change(subject: str, text: str, fault: str) -> None:
    with pytest.raises(UnfitWords, match=fault):
        approved_words(subject, text)
