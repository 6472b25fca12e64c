"""Penmanship: which of our fonts can write a text, and in which order its letters stand.

It must never let a box stand for a letter, nor leave a letter out: a text of which one letter is in
none of the fonts is not written at all, and whoever asked finds another way. What is no letter, such
as an emoji, is left out.

Theory of operation: a PDF shows glyphs from left to right as they are named, so order and joining are
settled before. Arabic letters are replaced by the forms that they take beside their neighbours, which
Unicode names one by one (Unicode Standard, 9.2, "Cursive Joining", and the decompositions of its block
"Arabic Presentation Forms-B"); then the line is reordered by the bidirectional algorithm (UAX #9) and
cut where the font changes.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont
from fpdf.bidi import BidiParagraph

FONTS: Final = Path(__file__).parents[2] / "deploy" / "fonts"
_BEFORE_OTHERS: Final = "EBGaramond-Regular"
_OTHERS: Final = ("Amiri-Regular", "FrankRuhlLibre-Regular")
_SHOWN: Final = frozenset("LNPZ")
_JOINING_MARKS: Final = frozenset("\u200c\u200d")
_LAM: Final = "\u0644"
_ALEFS: Final = "\u0622\u0623\u0625\u0627"
_FORMS: Final = range(0xFE70, 0xFEFD)
_MORE_FORMS: Final = range(0xFB50, 0xFC00)  # Persian, Urdu and others; ligatures begin after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Letters of one font, from left to right."""

    font: str
    text: str


def written(text: str, font: str = _BEFORE_OTHERS) -> tuple[Run, ...] | None:
    """The text as runs from left to right; None when our fonts have no way to write it.

    Args:
        text: one line, in logical order.
        font: the file's name without its ending that comes before the others.
    """
    clean = _letters(unicodedata.normalize("NFC", text))
    if not any(char.isalnum() for char in clean):
        return None
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in clean):
        clean = BidiParagraph(text=_joined(_unpointed(clean))).get_reordered_string()
    runs: list[Run] = []
    for char in clean:
        has_it = _font_of(char, runs[-1].font if runs else font, font)
        if has_it is None:
            return None
        if runs and runs[-1].font == has_it:
            runs[-1] = Run(font=has_it, text=runs[-1].text + char)
        else:
            runs.append(Run(font=has_it, text=char))
    return tuple(runs)


def _letters(text: str) -> str:
    """The text without what is neither letter, mark, number, punctuation nor space."""
    kept = [char for char in text if unicodedata.category(char)[0] in _SHOWN or _is_accent(char)]
    return " ".join("".join(kept).split())


def _is_accent(char: str) -> bool:
    """A combining mark that belongs to letters; those of emoji (keycaps, variation selectors) do not."""
    return unicodedata.category(char) in ("Mn", "Mc") and not unicodedata.name(char, "VARIATION").startswith(
        "VARIATION"
    )


def _unpointed(text: str) -> str:
    """Without vowel points, which are optional, and need a place that only layout tables know."""
    return "".join(char for char in text if unicodedata.category(char) != "Mn" and char not in _JOINING_MARKS)


def _font_of(char: str, current: str, preferred: str) -> str | None:
    """The font that writes a letter: the preferred one, the one at hand, or any."""
    order = [preferred, current, *_OTHERS]
    if char == " ":
        order.insert(0, current)
    return next((font for font in order if ord(char) in _repertoire(font)), None)


@cache
def _repertoire(font: str) -> frozenset[int]:
    with TTFont(FONTS / f"{font}.ttf", lazy=True) as file:
        return frozenset(file.getBestCmap())


def _joined(text: str) -> str:
    """Arabic letters in the forms that they take beside their neighbours; everything else as it is."""
    letters = _with_ligatures(text)
    shapes = [_forms().get(letter, {}) for letter in letters]
    shaped: list[str] = []
    for index, shape in enumerate(shapes):
        follows = index > 0 and "initial" in shapes[index - 1] and "final" in shape
        leads = index + 1 < len(shapes) and "initial" in shape and "final" in shapes[index + 1]
        kind = ("medial" if leads else "final") if follows else ("initial" if leads else "isolated")
        shaped.append(shape.get(kind, letters[index]))
    return "".join(shaped)


def _with_ligatures(text: str) -> list[str]:
    """The letters; lam with an alef after it is one, as Arabic writes it."""
    letters: list[str] = []
    for char in text:
        if char in _ALEFS and letters and letters[-1] == _LAM:
            letters[-1] += char
        else:
            letters.append(char)
    return letters


@cache
def _forms() -> dict[str, dict[str, str]]:
    """The presentation forms of each Arabic letter, and of lam with alef, by kind."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*_MORE_FORMS, *_FORMS):
        kind, _, letters = unicodedata.decomposition(chr(code)).partition(" ")
        if kind in ("<isolated>", "<initial>", "<medial>", "<final>"):
            letter = "".join(chr(int(part, 16)) for part in letters.split())
            forms.setdefault(letter, {}).setdefault(kind.strip("<>"), chr(code))
    return forms
