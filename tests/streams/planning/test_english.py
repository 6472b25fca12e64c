import pytest

from streams.planning import english


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "zero"), (1, "one"), (14, "fourteen"), (20, "twenty"), (36, "thirty-six"), (99, "ninety-nine"), (100, "100"),
     (1200, "1,200"), (2.5, "2.5"), (30.0, "thirty"), (-3, "-3")],
)  # fmt: skip
def test_numbers_are_words_below_a_hundred_and_figures_from_there(value: float, words: str) -> None:
    assert english.number(value) == words


@pytest.mark.parametrize(
    ("value", "rank"),
    [(1, "first"), (2, "second"), (3, "third"), (5, "fifth"), (8, "eighth"), (9, "ninth"), (12, "twelfth"),
     (20, "twentieth"), (21, "twenty-first"), (36, "thirty-sixth"), (40, "fortieth"), (101, "101st"), (111, "111th"),
     (112, "112th"), (122, "122nd"), (103, "103rd"), (1000, "1,000th")],
)  # fmt: skip
def test_ranks_bend(value: int, rank: str) -> None:
    assert english.ordinal(value) == rank


@pytest.mark.parametrize(
    ("days", "words"),
    [(7, "a week"), (14, "two weeks"), (30, "a month"), (60, "two months"), (365, "a year"), (730, "two years"),
     (100, None), (0, None)],
)  # fmt: skip
def test_days_become_the_unit_that_people_feel_or_none(days: int, words: str | None) -> None:
    assert english.span(days) == words


@pytest.mark.parametrize(("percent", "share"), [(25, "a quarter"), (50, "half"), (100, "all"), (80, "80 percent")])
def test_a_percentage_is_a_share(percent: int, share: str) -> None:
    assert english.share(percent) == share


def test_a_day_takes_its_little_words() -> None:
    assert english.on_day("5 May", is_date=True) == "on 5 May"
    assert english.since_day("Tuesday", is_date=False) == "since Tuesday"


def test_several_things_are_one_sentence() -> None:
    assert english.joined(("a",)) == "a"
    assert english.joined(("a", "b")) == "a and b"
    assert english.joined(("a", "b", "c")) == "a, b and c"
