"""Ids are printed whole, and named by their beginning."""

import pytest
import typer

from agents.cli.listing import print_listing, whole_id

IDS = ("abc" + "0" * 29, "abd" + "0" * 29)


@pytest.mark.parametrize(
    ("start", "whole"), [("abc", IDS[0]), ("abd0", IDS[1]), (IDS[0], IDS[0]), ("x", "x"), ("f" * 32, "f" * 32)]
)
def test_the_first_letters_name_one(start: str, whole: str) -> None:
    assert whole_id(start, IDS) == whole


def test_an_id_that_others_begin_with_is_itself() -> None:
    assert whole_id("d1", ("d1", "d10")) == "d1"


def test_what_several_begin_with_names_none() -> None:
    with pytest.raises(typer.BadParameter, match=f"write more of it: {IDS[0]}, {IDS[1]}"):
        whole_id("ab", IDS)


def test_what_is_too_wide_is_folded_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_listing(("name", "reason", "detail"), [("x" * 32, "y" * 32, "z" * 60)], nothing="")
    printed = capsys.readouterr().out
    assert [printed.count(letter) for letter in "xyz"] == [32, 32, 60]
