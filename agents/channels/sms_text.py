"""SMS text: what a message costs on the air, and how to write it so that it costs little.

Theory of operation: a message whose every character stands in GSM 03.38 (3GPP TS 23.038, 6.2.1) is sent with
seven bits a character, one of its extension table counting twice; any other with sixteen bits. One segment holds
160 or 70 of them; of a longer message each holds 153 or 67, because its place in the whole is sent along. Marks
that a typographer prefers are written as GSM has them, so that one apostrophe does not double the price.
"""

from dataclasses import dataclass
from typing import Final, Literal

MAX_SEGMENTS: Final = 10
"""More than this no provider takes (Twilio: 1,600 characters)."""

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
_PLAIN: Final = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"',
    "\u00bb": '"', "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2022": "-", "\u2026": "...",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u00d7": "x",
})  # fmt: skip
_ROOM: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """How a text travels: in which alphabet, and in how many segments, each of which is paid for."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int


def segments(text: str) -> Segments:
    """What a text costs; an empty one nothing."""
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if set(text) <= _GSM | _EXTENDED else "UCS-2"
    units = _units(text, encoding)
    single, part = _ROOM[encoding]
    if sum(units) <= single:
        return Segments(encoding=encoding, count=min(len(units), 1))
    count, room = 1, part
    for unit in units:  # no character is parted between two segments
        if unit > room:
            count, room = count + 1, part
        room -= unit
    return Segments(encoding=encoding, count=count)


def plainly(text: str) -> str:
    """The text with the marks that GSM 03.38 has, if that is all that it lacks and costs no more; else as it is."""
    plain = text.translate(_PLAIN)
    said, written = segments(plain), segments(text)
    return plain if said.encoding == "GSM-7" and said.count <= written.count else text


def _units(text: str, encoding: str) -> list[int]:
    if encoding == "GSM-7":
        return [2 if char in _EXTENDED else 1 for char in text]
    return [len(char.encode("utf-16-le")) // 2 for char in text]
