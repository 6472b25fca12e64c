import pytest

from streams.planning import german


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "null"), (1, "eins"), (12, "zwölf"), (16, "sechzehn"), (17, "siebzehn"), (20, "zwanzig"),
     (21, "einundzwanzig"), (30, "dreißig"), (36, "sechsunddreißig"), (99, "neunundneunzig"), (100, "100"),
     (1200, "1.200"), (2.5, "2,5"), (30.0, "dreißig"), (-3, "-3")],
)  # fmt: skip
def test_numbers_are_words_below_a_hundred_and_figures_from_there(value: float, words: str) -> None:
    assert german.number(value) == words


@pytest.mark.parametrize(
    ("value", "rank"),
    [(1, "erste"), (2, "zweite"), (3, "dritte"), (7, "siebte"), (8, "achte"), (10, "zehnte"), (12, "zwölfte"),
     (19, "neunzehnte"), (20, "zwanzigste"), (21, "einundzwanzigste"), (36, "sechsunddreißigste"), (112, "112."),
     (1000, "1.000.")],
)  # fmt: skip
def test_ranks_bend(value: int, rank: str) -> None:
    assert german.ordinal(value) == rank


@pytest.mark.parametrize(
    ("days", "words"),
    [(7, "eine Woche"), (14, "zwei Wochen"), (30, "einen Monat"), (60, "zwei Monate"), (365, "ein Jahr"),
     (730, "zwei Jahre"), (100, None), (0, None)],
)  # fmt: skip
def test_days_become_the_unit_that_people_feel_or_none(days: int, words: str | None) -> None:
    assert german.span(days) == words


@pytest.mark.parametrize(
    ("percent", "share"),
    [(25, "ein Viertel"), (50, "die Hälfte"), (100, "alles"), (80, "80 Prozent"), (12.5, "12,5 Prozent")],
)
def test_a_percentage_is_a_share(percent: float, share: str) -> None:
    assert german.share(percent) == share


def test_a_day_takes_its_little_words() -> None:
    assert german.on_day("Dienstag", is_date=False) == "am Dienstag"
    assert german.since_day("Dienstag", is_date=False) == "seit Dienstag"
    assert german.since_day("5. Mai", is_date=True) == "seit dem 5. Mai"


def test_several_things_are_one_sentence() -> None:
    assert german.joined(("a",)) == "a"
    assert german.joined(("a", "b", "c")) == "a, b und c"
