"""Languages: which one a client is written to in, and how its numbers and dates look.

It must never invent a language: who asks for one that is not spoken here gets the practice's,
or English. A regional tag takes the words of its language and the calendar of its region, so
an Austrian January is `Jänner`.

Theory of operation: a language is a module with the functions of `Language`, beside a folder of
word files of the same name. Names of days and months, and which form of a word a number takes,
come from the Unicode CLDR by babel.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, Protocol

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, get_day_names

from streams.planning import english, german

FALLBACK: Final = "en"
_MONTH_AND_DAY = "MMMMd"
_INTERNATIONAL_ENGLISH = "en_001"


class Language(Protocol):
    """What a language has to say about a word; see `streams.planning.english`."""

    def number(self, value: float) -> str:
        """A number in running text."""

    def ordinal(self, value: int) -> str:
        """A number as a rank."""

    def span(self, days: int) -> str | None:
        """Days as the larger unit that people feel."""

    def share(self, percent: float) -> str:
        """How much of a whole is done."""

    def on_day(self, day: str, *, is_date: bool) -> str:
        """When something was."""

    def since_day(self, day: str, *, is_date: bool) -> str:
        """From when on something holds."""

    def joined(self, parts: Sequence[str]) -> str:
        """Several things in one sentence."""


LANGUAGES: Final[Mapping[str, Language]] = {"en": english, "de": german}
"""By the subtag of the language (BCP 47)."""


@lru_cache(maxsize=256)
def locale_for(*tags: str | None) -> str:
    """The first tag whose language is spoken here, as in `de-AT`; English when none is.

    Args:
        tags: the client's, then the practice's; None says nothing.
    """
    asked = (tag.replace("_", "-") for tag in tags if tag)
    return next((tag for tag in asked if language_of(tag) in LANGUAGES), FALLBACK)


def language_of(tag: str) -> str:
    """The language of a tag: `de` of `de-AT`."""
    return tag.partition("-")[0].lower()


@lru_cache(maxsize=1024)
def day(on: date, seen_from: date, tag: str) -> str:
    """A date as in `5 May` or `5. Mai`; with its year when that is not the year it is seen from."""
    written = format_skeleton(_MONTH_AND_DAY, on, locale=_known(tag))
    if on.year == seen_from.year:
        return written
    return f"{written} {on.year}" if written[0].isdigit() else f"{written}, {on.year}"


@lru_cache(maxsize=1024)
def weekday(on: date, tag: str) -> str:
    """The name of the day, as in `Tuesday`."""
    return str(get_day_names("wide", "stand-alone", _known(tag))[on.weekday()])


def counted(count: float, language: str, one: str, other: str) -> str:
    """The form that a number takes by CLDR's plural rules; `#` in it becomes the number in words."""
    form = one if Locale(language).plural_form(count) == "one" else other
    return form.replace("#", LANGUAGES[language].number(count))


@lru_cache(maxsize=256)
def _known(tag: str) -> Locale:
    """The calendar of a tag; English of no region is written as most of the world writes it."""
    try:
        return Locale.parse(_INTERNATIONAL_ENGLISH if tag == FALLBACK else tag, sep="_" if tag == FALLBACK else "-")
    except (UnknownLocaleError, ValueError):
        return Locale(language_of(tag))
