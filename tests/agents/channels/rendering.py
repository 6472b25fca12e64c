"""What tests of words have in common: one renderer, a practice, and a message of it."""

import re
from pathlib import Path
from typing import Any

from agents.channels.render import Links, Rendered, Renderer
from schemas.milestone import Milestone
from schemas.tenant import NextLink, Video
from tests.sample_milestones import ANA, COACH, occasion, tenant

RENDERER = Renderer()
LANGUAGES = ("en", "de")
CHANNELS = ("email", "in_app", "sms", "slack")
LINKS = Links(
    unsubscribe_url="https://cairn.example/u/token",
    inbox_url="https://app.example/inbox",
    preferences_url="https://cairn.example/preferences/token",
    certificate_url="https://cairn.example/c/token",
    badge_url="https://cairn.example/b/token",
    referral_url="https://cairn.example/r/token",
    video=Video(
        url="https://video.example/1",
        poster_url="https://video.example/1.jpg",
        captions_url="https://video.example/1.vtt",
    ),
    next_step=NextLink(label="Pick a time", url="https://book.example/ana"),
)
_BROKEN = re.compile(
    r"[\[\]{}]|\bNone\b|undefined|Undefined|\(\)|[^-]  \b|Preview:|Subject:| ,| \.(?!\w)|\.\.(?!\.)|\bnull\b"
)


def told(reached: Milestone, channel: Any, *, practice: Any = None, language: str = "en", **changes: Any) -> Rendered:
    """A milestone as a message; what the occasion brings and who is involved can be changed."""
    people = {name: changes.pop(name) for name in ("profile", "coach", "links") if name in changes}
    profile = people.pop("profile", ANA)
    known: dict[str, Any] = {
        "profile": profile and profile.model_copy(update={"locale": language}),
        "coach": COACH,
        "links": LINKS,
        **people,
    }
    home = practice or tenant(Path("nowhere"))
    return RENDERER.render(occasion(reached, **changes), channel=channel, tenant=home, **known)


def said(rendered: Rendered) -> str:
    """The text as one line."""
    return " ".join(rendered.text.split())


def is_whole(text: str) -> bool:
    """Whether no bracket and no broken sentence is in a text."""
    return bool(text.strip()) and not _BROKEN.search(text)
