"""Parts: what stands in a message beside the words of its file, and in which order.

It must never ask for two things: a next step that the occasion names takes the place of the
file's own, and so does the request to recommend somebody. It must never tie a gift to anything:
gifts are not mentioned at all, they come by themselves.

Theory of operation: the order is greeting, that it is late, the file's paragraphs (or those that
a coach approved), the look back, other milestones, certificate, badge, video, the step, the
request, and what a first message explains. Each part is a word file of its own, `_late.txt` and
so on, and is left out where it has nothing to say.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from agents.channels.words import Letter, MissingFact
from schemas.celebration import Approved, Occasion
from schemas.tenant import NextLink, Video
from streams.planning.approved_words import visible
from streams.planning.compose import Words

Say = Callable[[str, Words], tuple[str, ...]]
"""The paragraphs of a part: its name and the words in."""

_BOOKING = "welcome"
"""A rule whose milestone is no more than an appointment: nothing that was reached."""

_MENTIONED = 4
_FEW_FACTS = 2
_GREETS = (",", "!")
_GREETING_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The addresses that a message may carry.

    Attributes:
        unsubscribe_url: the page `/u/{token}`; None on channels without one.
        inbox_url: where the client reads in-app messages; None when only the platform shows them.
        preferences_url: where the client says what they want to hear, and how.
        certificate_url: the page of the certificate that goes with it.
        badge_url: the page of the badge.
        referral_url: what the client may hand on, tracked.
        video: the addresses of its video, filled in.
        next_step: where the next step leads.
    """

    unsubscribe_url: str | None = None
    inbox_url: str | None = None
    preferences_url: str | None = None
    certificate_url: str | None = None
    badge_url: str | None = None
    referral_url: str | None = None
    video: Video | None = None
    next_step: NextLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A paragraph, with what belongs to it.

    Attributes:
        items: a list below the text.
        link: label and address.
        poster_url: a still picture that leads to the link's address.
    """

    kind: Literal["text", "list", "link", "step", "video", "aside"] = "text"
    text: str
    items: tuple[str, ...] = ()
    link: tuple[str, str] | None = None
    poster_url: str | None = None


def mentions(occasion: Occasion, words_of: Callable[..., Words], say: Say) -> tuple[str, ...]:
    """The other milestones of an occasion as things: `fourteen days of “Morning run” in a row`."""
    found: list[str] = []
    for other in occasion.also:
        if other.tier != "nudge" and other.rule != _BOOKING:
            words = words_of(other)
            try:
                found.append(say("mention", words)[0])
            except (MissingFact, IndexError):
                found.append(words["name"])
    return tuple(dict.fromkeys(found))


def also(things: tuple[str, ...], joined: Callable[[tuple[str, ...]], str]) -> Words:
    """What the sentence about the other milestones needs: at most four are named, the rest are counted."""
    if not things:
        return {}
    named = things if len(things) <= _MENTIONED else things[: _MENTIONED - 1]
    return {"also": joined(named), "also_count": len(things), "also_more": len(things) - len(named)}


def recap(occasion: Occasion, words: Words, say: Say) -> tuple[str, tuple[str, ...]] | None:
    """The look back: a heading and the way so far in a few lines; None when too little is known."""
    if not occasion.tier_policy.recap:
        return None
    heading, *items = say("recap", words)
    return (heading, tuple(items)) if len(items) >= _FEW_FACTS else None


def approved_letter(approved: Approved) -> Letter:
    """A person's words as a letter: as they were approved, whatever their length and brackets.

    Raises:
        MissingFact: nothing of it shows.
    """
    subject, paragraphs = visible(approved.subject), tuple(filter(None, map(visible, approved.paragraphs)))
    if not subject or not paragraphs:
        raise MissingFact("a subject and a text in what was approved")
    return Letter(subject=subject, preview="", paragraphs=paragraphs)


def assemble(letter: Letter, occasion: Occasion, words: Words, links: Links, say: Say) -> tuple[Part, ...]:
    """Everything between the head and the signature, in order."""
    opening, rest = _greeting(letter.paragraphs)
    parts = [Part(text=text) for text in opening]
    if words["is_late"]:
        parts += _texts(say("late", words))
    parts += [Part(text=text) for text in rest]
    if words["recap"]:
        parts.append(Part(kind="list", text=words["recap"], items=words["recap_items"]))
    if "also" in words:
        parts += _texts(say("also", words))
    parts += _keepsakes(occasion, words, links, say)
    parts += _ending(letter, occasion, words, links, say)
    return tuple(parts)


def _greeting(paragraphs: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What comes before all else: a short line that ends as greetings do."""
    first = paragraphs[0]
    cut = 1 if first.endswith(_GREETS) and len(first) <= _GREETING_CHARS and len(paragraphs) > 1 else 0
    return paragraphs[:cut], paragraphs[cut:]


def _keepsakes(occasion: Occasion, words: Words, links: Links, say: Say) -> list[Part]:
    """Certificate, badge and video, as far as they are here."""
    parts: list[Part] = []
    video = links.video
    if "certificate" in occasion.keepsakes and (links.certificate_url or words["channel"] == "email"):
        parts += _linked(say("certificate", words), links.certificate_url)
    if "badge" in occasion.keepsakes and links.badge_url:
        turned = {**words, "phrase": words["phrase"] + 1}  # so that it is not put as the certificate is, just before it
        parts += _linked(say("badge", turned), links.badge_url)
    if "video" in occasion.keepsakes and video:
        parts += [
            replace(part, kind="video", poster_url=video.poster_url) for part in _linked(say("video", words), video.url)
        ]
    return parts


def _ending(letter: Letter, occasion: Occasion, words: Words, links: Links, say: Say) -> list[Part]:
    """One step, the request to recommend, and what a first message explains."""
    parts: list[Part] = []
    asks = "referral" in occasion.keepsakes and links.referral_url
    if occasion.next_step and links.next_step:
        text = say("next", {**words, "next_step": occasion.next_step})
        link = (links.next_step.label, links.next_step.url)
        parts += [Part(kind="step", text=paragraph, link=link) for paragraph in text[:1]]
    elif not asks:
        parts += _texts(letter.steps)
    if asks:
        parts += _linked(say("referral", words), links.referral_url, kind="aside")
    if occasion.is_first:
        parts += _linked(say("first", words), links.preferences_url, kind="aside")
    return parts


def _texts(paragraphs: tuple[str, ...]) -> list[Part]:
    return [Part(text=text) for text in paragraphs]


def _linked(said: tuple[str, ...], url: str | None, kind: Literal["link", "aside"] = "link") -> list[Part]:
    """A paragraph and, after it, the words that are the link; nothing where the part is empty."""
    if not said:
        return []
    text, *label = said
    return [Part(kind=kind, text=text, link=(label[0], url) if label and url else None)]
