"""Compose: the facts of a milestone as words that a template may use.

It must never invent: what is not known has no word here, and a template that needs it fails
instead of guessing. What looks like a placeholder of somebody else's system (`{{name}}`,
`[First Name]`) counts as not known, so that no bracket ever reaches a client.

Theory of operation: identity, threshold and occurrence of a milestone are always there and
carry the message; `facts` only enrich it. Every text from outside becomes one clean line, so a
title can neither open a paragraph nor a header.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.tenant import Coach
from streams.planning import english

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
_SHARES: dict[float, str] = {25: "a quarter", 50: "half", 75: "three quarters", 100: "all"}


def compose(
    milestone: Milestone, *, profile: Profile | None, coach: Coach | None, tenant_name: str, tenant_zone: str
) -> Words:
    """The words for one milestone.

    Args:
        milestone: what was reached.
        profile: the client; None when no profile has arrived.
        coach: who signs; None signs as the tenant.
        tenant_name: what the practice is called.
        tenant_zone: the zone that decides the weekday when the profile has none.

    Returns:
        Words by name. Always: `name`, `tier`, `kind`, `tenant_name`, `signed_by`, `signature`,
        `weekday`, `about`, `inferred`, `so_far`. If known: `first_name`, `title`, `number` (int or float),
        `number_words`, `ordinal_words`; for streaks and lapses also `started_on`, `streak_days`,
        `span`; for percentages `share`.
    """
    zone = ZoneInfo((profile and profile.timezone) or tenant_zone)
    facts = milestone.facts
    known: Words = {
        "first_name": given_name(profile.name) if profile and profile.name else None,
        "title": line(facts.get("title")),
        **_numbers(milestone),
        **_run(milestone, zone),
        "share": _share(milestone),
    }
    return {
        "name": _name(milestone),
        "tier": milestone.tier,
        "kind": milestone.kind,
        "tenant_name": tenant_name,
        "signed_by": given_name(coach.name) or coach.name if coach else tenant_name,
        "signature": _signature(coach, tenant_name),
        "weekday": english.weekday(milestone.reached_at.astimezone(zone).date()),
        "about": _about(facts),
        "inferred": bool(facts.get("inferred")),
        "so_far": _so_far(facts.get("so_far")),
        **{name: value for name, value in known.items() if value is not None},
    }


def line(value: object) -> str | None:
    """Text from outside as one clean line, cut at a word; None if it is no text or a placeholder."""
    if not isinstance(value, str):
        return None
    text = " ".join((value if value.isprintable() else _printable(value)).split())
    if not text or _PLACEHOLDER.search(text):
        return None
    if len(text) <= _TITLE_MAX_CHARS:
        return text
    return f"{text[: _TITLE_MAX_CHARS - 1].rsplit(' ', 1)[0].rstrip(' ,;:-')}…"


def _printable(text: str) -> str:
    """The text with spaces for line ends, control characters and everything else that shows nothing."""
    return "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)


def given_name(name: str) -> str | None:
    """What a coach would say in a greeting; None when the name gives no safe answer.

    `Ana Silva`, `SILVA, ANA` and `Dr. Ana Silva` are all Ana; an address or a number is nobody.
    """
    clean = line(name)
    if not clean or "@" in clean or any(char.isdigit() for char in clean):
        return None
    last, comma, first = clean.partition(",")
    given = first if comma and first.strip() else last
    words = [word for word in given.split() if not _HONORIFIC.match(word)]
    if not words or len(words[0]) > _NAME_MAX_CHARS or words[0].endswith("."):
        return None
    return _cased(words[0])


def _cased(word: str) -> str:
    """`ANA` and `ana` become Ana; McKenna, Jean-Luc and scripts without case stay as they are."""
    if len(word) > 1 and (word.isupper() or word.islower()):
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
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


def _numbers(milestone: Milestone) -> Words:
    value = milestone.threshold
    if value is None:
        return {}
    whole = value == int(value)
    return {
        "number": int(value) if whole else value,
        "number_words": english.number(value),
        "ordinal_words": english.ordinal(int(value)) if whole else None,
    }


def _run(milestone: Milestone, zone: ZoneInfo) -> Words:
    """The first day and length of the run that a streak or lapse is about."""
    if milestone.kind not in ("streak", "lapse"):
        return {}
    days = int(milestone.value if milestone.kind == "lapse" else milestone.threshold or milestone.value)
    started_on = _last_date(milestone.occurrence)
    reached_on = milestone.reached_at.astimezone(zone).date()
    return {
        "streak_days": days,
        "streak_days_words": english.number(days),
        "span": english.span(days),
        "started_on": english.day(started_on, reached_on) if started_on else None,
        "started_weekday": english.weekday(started_on) if started_on else None,
    }


def _last_date(occurrence: str) -> date | None:
    try:
        return date.fromisoformat(occurrence.rpartition("/")[2])
    except ValueError:
        return None


def _share(milestone: Milestone) -> str | None:
    """How much of a course is done, in words: `half`, `all`, `80 percent`."""
    percent = milestone.threshold
    if milestone.kind != "percent" or percent is None:
        return None
    return _SHARES.get(percent) or f"{percent:g} percent"


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
