"""Compose: the facts of a milestone as words that a template may use.

It must never invent: what is not known has no word here, and a template that needs it fails
instead of guessing. What looks like a placeholder of somebody else's system (`{{name}}`,
`[First Name]`) counts as not known, so that no bracket ever reaches a client.

A name or title in a script that runs from right to left stands between the isolates of Unicode
(UAX 9), so that it cannot turn the sentence around it; no other text pays for them.

Theory of operation: identity, threshold and occurrence of a milestone are always there and
carry the message; `facts` only enrich it. Every text from outside becomes one clean line, so a
title can neither open a paragraph nor a header.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.tenant import Coach
from streams.planning.languages import FALLBACK, LANGUAGES, Language, day, language_of, weekday

Words = dict[str, Any]

_PLACEHOLDER = re.compile(
    r"\{\{|\}\}|\{%|\$\{|\{\w+\}|\*\||\|\*|%%|%\w{3,}%|<[^<>]*>|\[[^\]]*\]"
    r"|^(none|null|undefined|nan|n/a|unknown|(first |last |full )?name|-+|\?+)$",
    re.IGNORECASE,
)
_HONORIFIC = re.compile(r"^(dr|prof|mrs?|ms|mx|miss|sir|dame|herr|frau|mag|ing|dipl)\.?$", re.IGNORECASE)
_ABOUT = (
    ("session_number", "session"),
    ("goal_id", "goal"),
    ("course_id", "course"),
    ("habit_id", "habit"),
    ("program_id", "program"),
)
_TITLE_MAX_CHARS = 80
_NAME_MAX_CHARS = 40
_READ_CHARS = 1_000
"""More of a text than this is never looked at: no title is longer, and a megabyte of brackets would be slow."""

_JOINERS = "\u200c\u200d"
"""Part of how Persian and families of emoji are spelled."""

ISOLATE, END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_LATE = timedelta(hours=36)
"""Longer than any ordinary night: what is told later than this says so."""

_WEEK_DAYS = 7
_BEFORE_CASE = re.compile(r"([-'\u2019])")


def compose(
    milestone: Milestone,
    *,
    profile: Profile | None,
    coach: Coach | None,
    tenant_name: str,
    tenant_zone: str,
    told_at: datetime | None = None,
    locale: str = FALLBACK,
) -> Words:
    """The words for one milestone.

    Args:
        milestone: what was reached.
        profile: the client; None when no profile has arrived.
        coach: who signs; None signs as the tenant.
        tenant_name: what the practice is called.
        tenant_zone: the zone that decides the weekday when the profile has none.
        told_at: domain time at which the message leaves; None when it is reached.
        locale: of the words, one of `streams.planning.languages`.

    Returns:
        Words by name. Always: `name`, `tier`, `kind`, `tenant_name`, `signed_by`, `signature`, `weekday` (a date
        when that is more than six days ago), `on_day`, `since_day`, `date`, `is_late`, `about`, `inferred`, `so_far`,
        `had_rest`. If known: `first_name`, `title`, `number` (int or float), `number_words`, `ordinal_words`; for
        streaks and lapses also `streak_days`, and of a run without a pause `started_on`, `started_weekday`, `span`;
        for percentages `share`; for anniversaries `years`.
    """
    zone = ZoneInfo((profile and profile.timezone) or tenant_zone)
    facts, language = milestone.facts, LANGUAGES[language_of(locale)]
    known: Words = {
        "first_name": isolated(given_name(profile.name)) if profile and profile.name else None,
        "title": isolated(line(facts.get("title"))),
        **_numbers(milestone, language),
        **_run(milestone, zone, locale),
        "share": _share(milestone, language),
        "years": _years(facts.get("years")),
    }
    return {
        "name": isolated(_name(milestone)),
        "tier": milestone.tier,
        "kind": milestone.kind,
        "tenant_name": tenant_name,
        "signed_by": isolated(given_name(coach.name) or coach.name if coach else tenant_name),
        "signature": _signature(coach, tenant_name),
        **_when(milestone.reached_at.astimezone(zone), (told_at or milestone.reached_at).astimezone(zone), locale),
        "about": _about(facts),
        "inferred": bool(facts.get("inferred")),
        "so_far": _so_far(facts.get("so_far")),
        "had_rest": False,
        **{name: value for name, value in known.items() if value is not None},
    }


def isolated(text: str | None) -> str | None:
    """The text between isolates if any of it runs from right to left; else as it is."""
    if text is None or text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"{ISOLATE}{text}{END_ISOLATE}"


def line(value: object) -> str | None:
    """Text from outside as one clean line, cut at a word; None if it is no text or a placeholder."""
    if not isinstance(value, str):
        return None
    value = value[:_READ_CHARS]
    text = " ".join((value if value.isprintable() else _printable(value)).split())
    if not text or _PLACEHOLDER.search(text):
        return None
    if len(text) <= _TITLE_MAX_CHARS:
        return text
    return f"{text[: _TITLE_MAX_CHARS - 1].rsplit(' ', 1)[0].rstrip(' ,;:-')}…"


def _printable(text: str) -> str:
    """The text with spaces for line ends, control characters and everything else that shows nothing."""
    return "".join(
        " " if unicodedata.category(char)[0] in "CZ" and not _joins(text, index) else char
        for index, char in enumerate(text)
    )


def _joins(text: str, index: int) -> bool:
    """Whether a joiner stands where it belongs: between two characters that show."""
    around = text[index - 1 : index + 2]
    return text[index] in _JOINERS and len(around) == len("a-b") and (around[0] + around[2]).isprintable()


def given_name(name: str) -> str | None:
    """What a coach would say in a greeting; None when the name gives no safe answer.

    `Ana Silva`, `SILVA, ANA` and `Dr. Ana Silva` are all Ana; an address or a number is nobody.
    """
    clean = line(name)
    if not clean or "@" in clean or any(char.isdigit() for char in clean):
        return None
    last, comma, first = clean.partition(",")
    given = first if comma and first.strip() else last
    words = [word for word in map(_undecorated, given.split()) if word and not _HONORIFIC.match(word)]
    if not words or len(words[0]) > _NAME_MAX_CHARS or words[0].endswith("."):
        return None
    return _cased(words[0])


def _undecorated(word: str) -> str:
    """The word without the emoji and signs around it; empty when nothing else is there."""
    if word.isalpha():
        return word
    kinds = ["." if char == "." else unicodedata.category(char)[0] for char in word]
    if "L" not in kinds:
        return ""
    first, last = kinds.index("L"), len(kinds) - 1 - kinds[::-1].index("L")
    marks = len(list(takewhile("M.".__contains__, kinds[last + 1 :])))
    return word[first : last + 1 + marks]


def _cased(word: str) -> str:
    """`ANA` and `ana` become Ana; McKenna, Jean-Luc and scripts without case stay as they are."""
    if len(word) > 1 and (word.isupper() or word.islower()):
        if word.isalpha():
            return word[0].upper() + word[1:].lower()
        return "".join(part[:1].upper() + part[1:].lower() for part in _BEFORE_CASE.split(word))
    return word


def _name(milestone: Milestone) -> str:
    """The rule's own name; a rule without one is called by its id, with spaces."""
    name = line(milestone.name)
    return milestone.rule.replace("-", " ") if name in (None, milestone.rule) else name


def _about(facts: Mapping[str, Any]) -> str:
    """What sort of thing it is about, and so what `title` names: `session`, `goal`, `course`, ..., or `other`."""
    return next((about for fact, about in _ABOUT if fact in facts), "other")


def _signature(coach: Coach | None, tenant_name: str) -> tuple[str, ...]:
    if coach is None:
        return (tenant_name,)
    return (coach.name, coach.signature or tenant_name)


def _when(reached_at: datetime, told_at: datetime, locale: str) -> Words:
    """The day, as it can be said when the message leaves: a weekday means the last one of its name."""
    reached_on, told_on = reached_at.date(), told_at.date()
    language, as_date = LANGUAGES[language_of(locale)], day(reached_on, told_on, locale)
    is_date = (told_on - reached_on).days >= _WEEK_DAYS
    said = as_date if is_date else weekday(reached_on, locale)
    return {
        "weekday": said,
        "on_day": language.on_day(said, is_date=is_date),
        "since_day": language.since_day(said, is_date=is_date),
        "date": as_date,
        "is_late": told_at - reached_at > _LATE and told_on > reached_on,
    }


def _numbers(milestone: Milestone, language: Language) -> Words:
    value = milestone.threshold
    if value is None:
        return {}
    whole = value == int(value)
    return {
        "number": int(value) if whole else value,
        "number_words": language.number(value),
        "ordinal_words": language.ordinal(int(value)) if whole else None,
    }


def _run(milestone: Milestone, zone: ZoneInfo, locale: str) -> Words:
    """The length of the run that a streak or lapse is about; its first day and span only if no day of it was paused.

    Paused days are skipped and not counted: a run of thirty days may have begun forty days ago, and whoever says
    "every day since" would say what is not so.
    """
    if milestone.kind not in ("streak", "lapse"):
        return {}
    language = LANGUAGES[language_of(locale)]
    days = int(milestone.value if milestone.kind == "lapse" else milestone.threshold or milestone.value)
    said: Words = {"streak_days": days, "streak_days_words": language.number(days)}
    reached_on = milestone.reached_at.astimezone(zone).date()
    started_on = _date(milestone.occurrence.rpartition("/")[2])
    lapsed = milestone.kind == "lapse"  # that is noticed some time after the last day
    last_on = _date(str(milestone.facts.get("streak_ended_on"))) if lapsed else reached_on
    if started_on is None or last_on is None:
        return said
    if (last_on - started_on).days + 1 != days:
        return {**said, "had_rest": True}
    return {
        **said,
        "span": language.span(days),
        "started_on": day(started_on, reached_on, locale),
        "started_weekday": weekday(started_on, locale),
    }


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _share(milestone: Milestone, language: Language) -> str | None:
    """How much of a course is done, in words: `half`, `80 percent`."""
    percent = milestone.threshold
    return None if milestone.kind != "percent" or percent is None else language.share(percent)


def _years(value: object) -> int | None:
    """How many years an anniversary is about; a date without them has none."""
    return value if isinstance(value, int) and value > 0 else None


def _so_far(value: object) -> Words:
    """The way so far with every text cleaned; numbers and dates as they are, all else left out."""
    if not isinstance(value, Mapping):
        return {}
    cleaned = {str(name): _fact(entry) for name, entry in value.items()}
    return {name: entry for name, entry in cleaned.items() if entry is not None}


def _fact(value: object) -> object:
    if isinstance(value, int | float | bool | date | datetime):
        return value
    return line(value)
