from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.planning.languages import LANGUAGES, counted, day, language_of, locale_for, weekday

MAY = date(2026, 5, 5)


@pytest.mark.parametrize(
    ("tags", "locale"),
    [((), "en"), ((None, "de"), "de"), (("de-AT", "en"), "de-AT"), (("de_CH", "en"), "de-CH"), (("fr", "de"), "de"),
     (("fr-FR", "pt"), "en"), (("den", "de"), "de"), (("en-GB", "de"), "en-GB")],
)  # fmt: skip
def test_a_client_is_written_to_in_their_language_the_practices_or_english(
    tags: tuple[str | None, ...], locale: str
) -> None:
    assert locale_for(*tags) == locale
    assert language_of(locale) in LANGUAGES


@pytest.mark.parametrize(
    ("tag", "written"),
    [("en", "5 May"), ("en-GB", "5 May"), ("en-US", "May 5"), ("de", "5. Mai"), ("de-AT", "5. Mai"), ("en-ZZ", "May 5"),
     ("de-Abcd-xx", "5. Mai")],
)  # fmt: skip
def test_a_date_is_written_as_in_its_region(tag: str, written: str) -> None:
    assert day(MAY, date(2026, 12, 31), tag) == written


def test_a_date_shows_its_year_only_when_it_is_another_one() -> None:
    assert day(date(2025, 12, 28), date(2026, 1, 11), "en-GB") == "28 December 2025"
    assert day(date(2025, 12, 28), date(2026, 1, 11), "en-US") == "December 28, 2025"
    assert day(date(2026, 1, 7), date(2027, 1, 11), "de-AT") == "7. Jänner 2026"


def test_a_weekday_is_of_its_language() -> None:
    assert weekday(MAY, "en") == "Tuesday"
    assert weekday(MAY, "de-CH") == "Dienstag"


@pytest.mark.parametrize(
    ("count", "language", "form"),
    [(0, "en", "zero sessions"), (1, "en", "one session"), (2, "en", "two sessions"), (1, "de", "one session"),
     (1.5, "de", "1,5 sessions"), (0, "de", "null sessions")],
)  # fmt: skip
def test_a_number_takes_the_form_that_cldr_gives_it(count: float, language: str, form: str) -> None:
    assert counted(count, language, "one session", "# sessions") == form


@given(st.floats(min_value=-1e9, max_value=1e9) | st.integers(0, 200_000), st.sampled_from(sorted(LANGUAGES)))
def test_every_number_has_words_in_every_language(value: float, language: str) -> None:
    assert LANGUAGES[language].number(value)
    assert LANGUAGES[language].ordinal(int(value))
