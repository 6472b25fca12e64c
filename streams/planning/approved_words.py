"""Approved words: what a coach typed, as a message may carry it.

It must never let through what the templates could not say either: a bracket that somebody meant
to fill in, a subject of two lines, a message without words.
"""

import re
import unicodedata
from typing import Final

from schemas.celebration import Approved

MAX_SUBJECT_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 8_000
_PARAGRAPH = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_LEFTOVER = re.compile(r"\{\{|\}\}|\{%|%\}|\[\[|\]\]|\[[^\]\n]*\bname\b[^\]\n]*\]", re.IGNORECASE)


class UnfitWords(ValueError):
    """What was typed cannot go; the text says what to change."""


def approved_words(subject: str, text: str) -> Approved:
    """What was typed as subject and paragraphs; empty lines part the paragraphs.

    Raises:
        UnfitWords: something is empty, too long, or looks like a placeholder.
    """
    line = _one_line(subject)
    paragraphs = tuple(filter(None, map(_one_line, _PARAGRAPH.split(text.replace("\r\n", "\n")))))
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


def _one_line(text: str) -> str:
    """The text in one line, without control characters."""
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in text).split())
