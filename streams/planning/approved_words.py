"""Approved words: what a person typed, as a message may carry it.

It must never let through what somebody meant to fill in (`{{ name }}`, `{% if %}`, `*|FNAME|*`,
`[First Name]`), a subject of two lines, or a message without words; and never take a person's own
brackets for such. It is the only limit of such words: what has passed here goes as it is.
"""

import re
import unicodedata
from typing import Final

from schemas.celebration import Approved

MAX_SUBJECT_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 8_000
_PARAGRAPH = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_LEFTOVER = re.compile(
    r"\{\{|\}\}|\{%|%\}|\*\|\w+\|\*|\[ ?(?:(?:your|client|coach|first|last|full)[ _]?)*name ?\]", re.IGNORECASE
)
_SHAPING = frozenset("\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069")
"""Show nothing, but spell Persian and families of emoji, and keep what runs from right to left in its place."""


class UnfitWords(ValueError):
    """What was typed cannot go; the text says what to change."""


def approved_words(subject: str, text: str) -> Approved:
    """What was typed as subject and paragraphs; empty lines part the paragraphs.

    Raises:
        UnfitWords: something is empty, too long, or a placeholder.
    """
    line = visible(subject)
    paragraphs = tuple(filter(None, map(visible, _PARAGRAPH.split(text.replace("\r\n", "\n")))))
    if not line:
        raise UnfitWords("the subject is empty")
    if not paragraphs:
        raise UnfitWords("the text is empty")
    if len(line) > MAX_SUBJECT_CHARS:
        raise UnfitWords(f"the subject is longer than {MAX_SUBJECT_CHARS} characters")
    if len(text) > MAX_TEXT_CHARS:
        raise UnfitWords(f"the text is longer than {MAX_TEXT_CHARS} characters")
    if _LEFTOVER.search("\n".join((line, *paragraphs))):
        raise UnfitWords("something in brackets looks like a placeholder: write it out")
    return Approved(subject=line, paragraphs=paragraphs)


def visible(text: str) -> str:
    """The text in one line, without control characters and what else shows nothing; empty when nothing shows."""
    shown = "".join(map(_shown, text))
    return " ".join(shown.split()) if shown.strip("".join(_SHAPING) + " ") else ""


def _shown(char: str) -> str:
    """The character; a space for a control character, nothing for one that only hides."""
    kind = "" if char in _SHAPING else unicodedata.category(char)
    return {"Cc": " ", "Cf": "", "Cs": ""}.get(kind, char)
