"""Deeds: what a certificate says about a milestone, in words that stand on paper.

It must never say more than the milestone holds, nor name somebody by a placeholder.

Theory of operation: the words are those of `streams.planning.compose`, so that paper, page and mail
speak alike, in the client's language if it is spoken here. The day is the client's own, spelled as it is
where they live; the paper has the size that is sold there.
"""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date

from agents.channels.deed_words import DEED_WORDS, DeedWords
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.tenant import Coach
from streams.planning.compose import compose, line
from streams.planning.languages import FALLBACK, language_of, locale_for

_LETTER_LANDS: Final = frozenset({"US", "CA", "MX", "PH", "CL", "CO", "VE", "GT", "CR", "PA", "SV", "NI", "DO", "PR"})
_PARTICLES: Final = frozenset({"da", "de", "del", "der", "di", "do", "dos", "du", "e", "la", "le", "van", "von", "y"})
_MIN_WEEKS: Final = 2
_WHOLE_PERCENT: Final = 100
_ELSEWHERE: Final = {"en": "GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was reached, by whom, as a certificate says it.

    Attributes:
        recipient: the client's full name; None when the profile has none.
        headline: what was reached, as in "36 sessions".
        detail: a second line; may be empty.
        day: when, spelled out.
        practice: what the tenant is called.
        signed_by: the coach's name; the practice's when no coach is known.
        signed_as: the line under it; may be empty.
        lang: BCP 47 tag of the words.
        words: the fixed words around it.
        paper: the size that is sold where the client lives.
    """

    recipient: str | None
    headline: str
    detail: str
    day: str
    practice: str
    signed_by: str
    signed_as: str
    lang: str
    words: DeedWords
    paper: str


def deed(
    milestone: Milestone,
    *,
    profile: Profile | None,
    coach: Coach | None,
    tenant_name: str,
    tenant_zone: str,
    tenant_locale: str = FALLBACK,
) -> Deed:
    """Put a milestone into the words of a certificate.

    Args:
        milestone: what was reached.
        profile: the client; None when no profile has arrived.
        coach: who signs; None signs as the practice.
        tenant_name: what the practice is called.
        tenant_zone: decides the day, and the paper, where the profile says neither.
        tenant_locale: the language where the profile names none that is spoken here.
    """
    tag = locale_for(profile.locale if profile else None, tenant_locale)
    fixed = DEED_WORDS.get(language_of(tag), DEED_WORDS[FALLBACK])
    words = compose(
        milestone, profile=profile, coach=coach, tenant_name=tenant_name, tenant_zone=tenant_zone, locale=tag
    )
    zone = (profile and profile.timezone) or tenant_zone
    locale = _locale(profile, zone, fixed.lang)
    names_title = "title" in words and (words["about"] == "goal" or milestone.kind == "percent")
    headline = words["title"] if names_title else words["name"]
    return Deed(
        recipient=full_name(profile.name) if profile and profile.name else None,
        headline=headline[:1].upper() + headline[1:],
        detail=_detail(words, fixed, names_title=names_title),
        day=format_date(milestone.reached_at.astimezone(ZoneInfo(zone)).date(), "long", locale=locale),
        practice=tenant_name,
        signed_by=coach.name if coach else tenant_name,
        signed_as=(coach.signature or tenant_name) if coach else "",
        lang=str(locale).replace("_", "-"),
        words=fixed,
        paper="letter" if locale.territory in _LETTER_LANDS else "a4",
    )


def full_name(name: str) -> str | None:
    """The whole name as it is written on paper; None for a placeholder, an address or a number.

    `ana silva` and `SILVA, ANA` are Ana Silva; McKenna, de la Cruz and scripts without case stay as they are.
    """
    clean = line(name)
    if not clean or "@" in clean or not any(char.isalpha() for char in clean):
        return None
    last, comma, first = clean.partition(",")
    whole = f"{first.strip()} {last.strip()}" if comma and first.strip() else clean
    if not (whole.isupper() or whole.islower()):
        return whole
    return " ".join(word if word in _PARTICLES else _cased(word) for word in whole.lower().split())


def _cased(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def _detail(words: dict[str, object], fixed: DeedWords, *, names_title: bool) -> str:
    parts = [_measure(words, fixed, names_title=names_title), _way(words, fixed)]
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def _measure(words: dict[str, object], fixed: DeedWords, *, names_title: bool) -> str:
    """What the headline left open: the habit of a streak, the share of a course."""
    if words["kind"] == "streak":
        days = fixed.days_in_a_row.format(days=words["streak_days_words"])
        return f"{words['title']}, {days}" if "title" in words else days
    if words["kind"] == "percent" and names_title:
        is_whole = words.get("number") == _WHOLE_PERCENT
        return fixed.completed if is_whole else fixed.share_completed.format(share=words["share"])
    return fixed.goal_reached if names_title else ""


def _way(words: dict[str, object], fixed: DeedWords) -> str:
    so_far = words["so_far"]
    weeks = so_far.get("weeks_since_joining") if isinstance(so_far, dict) and words["kind"] != "date" else None
    if words["kind"] == "streak" or not isinstance(weeks, int) or weeks < _MIN_WEEKS:
        return ""
    return fixed.after_weeks.format(weeks=weeks, practice=words["tenant_name"])


def _locale(profile: Profile | None, zone: str, language: str) -> Locale:
    """The language as it is written where the client lives."""
    asked = (profile.locale or "").replace("_", "-") if profile else ""
    territory = next((part.upper() for part in asked.split("-")[1:] if len(part) == 2), None)  # noqa: PLR2004 - ISO 3166
    territory = territory or get_global("zone_territories").get(zone)
    try:
        return Locale(language, territory)
    except UnknownLocaleError:  # nobody has written down how it is spelled there: as in most of the world
        return Locale(
            language, "US" if language == FALLBACK and territory in _LETTER_LANDS else _ELSEWHERE.get(language)
        )
