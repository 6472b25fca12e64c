"""Short words: a text message of the parts that fit, and one or two sentences for a channel of many.

It must never let what is beside the point cost a segment more: other milestones, that it is late
and what a first message explains go only where there is room. The step that a rule names is the
point, and may take a second segment. A name in letters that the networks do not have would more
than double the price of the whole message: then the client's is left out, the coach's too, and
so are pictures in the practice's. Who sends it and how to make it stop are always said. What is
written for a channel of many is escaped by that channel: here `<` is a letter like any other.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from agents.channels.parts import Links, Say
from agents.channels.sms_text import plainly, segments
from agents.channels.words import Letter
from streams.planning.compose import Words

_STEP_SEGMENTS = 2
_PICTURES = frozenset({"So", "Sk", "Cf", "Mn", "Me"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    """What a text message says, by whom, and how it can be stopped."""

    said: tuple[str, ...]
    who: str
    stop: str

    @property
    def text(self) -> str:
        return plainly(f"{' '.join(self.said)} {self.who}. {self.stop}")

    @property
    def count(self) -> int:
        return segments(self.text).count


def text_message(
    letter: Letter, words: Words, links: Links, fixed: Mapping[str, str], say: Say, *, nameless: Letter | None = None
) -> str:
    """One line that says who speaks, and how to make it stop (CTIA, "Messaging Principles", 5.1.3).

    Args:
        letter: the words.
        words: of the occasion.
        links: where its step leads.
        fixed: the short texts that never change.
        say: the parts.
        nameless: the words without the client's name, for when it costs a segment.
    """
    letters = (letter, nameless or letter)
    speakers = tuple(_speakers(words))

    def wordings(*endings: Iterable[str] | None) -> Iterator[_Wording]:
        for who, ending, each in product(speakers, endings, letters):
            said = (*each.paragraphs, *(each.steps if ending is None else ending))
            yield _Wording(said=said, who=who, stop=fixed["stop"])

    step = links.next_step if words["next_step"] else None
    pointed = _cheapest(wordings((f"{step.label}: {step.url}",))) if step else None
    chosen = pointed if pointed and pointed.count <= _STEP_SEGMENTS else _cheapest(wordings(None, ()))
    extras_of = tuple(_extras(words, say))
    room = chosen.count if extras_of else 0
    for extras in extras_of:
        longer = (replace(chosen, said=(*chosen.said, extra)) for extra in extras)
        chosen = next((wording for wording in longer if wording.count <= room), chosen)
    return chosen.text


def _speakers(words: Words) -> Iterator[str]:
    """Who speaks, the fullest first: coach and practice, both without pictures, and the practice alone."""
    coach, practice = words["signed_by"], words["tenant_name"]
    bare = " ".join("".join(char for char in practice if not _is_picture(char)).split()) or practice
    yield from dict.fromkeys(
        ", ".join(dict.fromkeys(names)) for names in ((coach, practice), (coach, bare), (practice,), (bare,))
    )


def _is_picture(char: str) -> bool:
    """Whether a character is an emoji or a sign, or what joins or varies them."""
    return not char.isascii() and unicodedata.category(char) in _PICTURES


def _cheapest(wordings: Iterable[_Wording]) -> _Wording:
    """The first that fits into one segment; else the first of those that take the fewest."""
    every: list[_Wording] = []
    for wording in wordings:
        if wording.count <= 1:
            return wording
        every.append(wording)
    return min(every, key=lambda wording: wording.count)


def post(letter: Letter, words: Words, say: Say) -> str:
    """One or two sentences and what else was reached."""
    extra = say("also", words) if "also" in words else ()
    return " ".join((*letter.paragraphs, *extra))


def _extras(words: Words, say: Say) -> Iterator[tuple[str, ...]]:
    """What may be added: of each thing the longer wording first."""
    if words["is_late"]:
        yield say("late", words)
    if "also" in words:
        yield say("also", words)
    if words["is_first"]:
        yield say("first", words)
