"""Rendering: a milestone becomes a message in words, as text and as HTML.

It must never let a placeholder reach a client: a fact that a template needs and does not find
raises `MissingFact`, and the delivery goes to the coach.

Theory of operation: `streams.planning.compose` bends facts into words, `WordFiles` fills in the
file that fits, and one layout sets its paragraphs in HTML (escaped) and in plain text. What
stands above the words depends on the weight: a badge, a bar, a large number, or nothing.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from agents.channels.badge import Badges
from agents.channels.channel import InlineImage
from agents.channels.sms_text import plainly
from agents.channels.words import LOCALE, Letter, MissingFact, WordFiles
from agents.tenants import Tenant
from schemas.celebration import Occasion
from schemas.client import Profile
from schemas.policy import ChannelName
from schemas.tenant import Coach, NextLink, Video
from streams.planning.compose import Words, compose

__all__ = ["Links", "MissingFact", "Rendered", "Renderer"]

_DEPLOY = Path(__file__).parents[2] / "deploy"
_BADGE_CID = "badge"
_BADGE_PX = 400
_WRAP = textwrap.TextWrapper(width=76, break_on_hyphens=False, break_long_words=False)
_WHOLE_PERCENT = 100
_STOP = "Reply STOP to end."


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
class Rendered:
    """One message in words.

    Attributes:
        subject: the subject line; for in-app messages equal to the title.
        text: plain text, complete by itself.
        html: a whole document; for in-app messages a fragment of paragraphs.
        inline: pictures that the HTML names by `cid:`.
        title: the heading of an in-app message.
        locale: BCP 47 tag of the templates that were used.
        unsubscribe_url: the address of the message's own channel that ends it, for RFC 8058.
        paragraphs: its words before any layout, a line each.
    """

    subject: str
    text: str
    html: str
    inline: tuple[InlineImage, ...]
    title: str
    locale: str = LOCALE
    unsubscribe_url: str | None = None
    paragraphs: tuple[str, ...] = ()


class Renderer:
    """Renders milestones; built once, then used by everybody.

    Args:
        templates: our own templates; a tenant's `templates/` folder stands before them.
        font: what badges are written with.
    """

    def __init__(
        self,
        templates: Path = _DEPLOY / "templates",
        font: Path = _DEPLOY / "fonts" / "LeagueSpartan-Bold.otf",
    ) -> None:
        self._files = WordFiles(templates)
        self._badges = Badges(templates / "badge.svg.j2", font)
        environment = Environment(  # no sandbox: the layout is ours alone, and gets words that are filled in already
            loader=FileSystemLoader(templates),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layout = environment.get_template("layout.html.j2")

    def render(
        self,
        occasion: Occasion,
        *,
        channel: ChannelName,
        profile: Profile | None,
        coach: Coach | None,
        tenant: Tenant,
        links: Links,
    ) -> Rendered:
        """Put a milestone into words.

        Args:
            occasion: what was reached, and how it is told.
            channel: `in_app`, `email` or `sms`.
            profile: the client; None when no profile has arrived.
            coach: who signs; None signs as the tenant.
            tenant: the practice, with its own templates if it has any.
            links: addresses that the message carries.

        Raises:
            MissingFact: no bracket ever reaches a client; the coach is asked instead.
        """
        milestone = occasion.milestone
        words = compose(milestone, profile=profile, coach=coach, tenant_name=tenant.name, tenant_zone=tenant.timezone)
        folder = tenant.folder / "templates"
        own = folder if folder.is_dir() else None
        letter = self._files.letter(milestone, channel, words, own=own, template=occasion.template)
        if channel == "in_app":
            return _in_app(letter)
        if channel == "sms":
            return _text_message(letter, words)
        return self._mail(letter, words, links, badge=occasion.tier_policy.badge)

    def check(self, tenant: Tenant | None = None) -> tuple[str, ...]:
        """A line for each word file that does not parse; empty when all do."""
        own = tenant.folder / "templates" if tenant else None
        return tuple(self._files.broken(own if own and own.is_dir() else None))

    def _mail(self, letter: Letter, words: Words, links: Links, *, badge: bool) -> Rendered:
        figure = _figure(words, badge=badge)
        html = self._layout.render(letter=letter, words=words, links=links, figure=figure, locale=LOCALE)
        picture = self._badges.png(words["name"], words.get("number"), _BADGE_PX) if badge else None
        inline = (InlineImage(cid=_BADGE_CID, filename="badge.png", png=picture),) if picture else ()
        return Rendered(
            subject=letter.subject,
            text=_plain(letter, words, links),
            html=html,
            inline=inline,
            title=letter.subject,
            unsubscribe_url=links.unsubscribe_url,
            paragraphs=letter.paragraphs,
        )


def _in_app(letter: Letter) -> Rendered:
    return Rendered(
        subject=letter.subject,
        text="\n\n".join(letter.paragraphs),
        html="".join(f"<p>{escape(paragraph)}</p>" for paragraph in letter.paragraphs),
        inline=(),
        title=letter.subject,
        paragraphs=letter.paragraphs,
    )


def _text_message(letter: Letter, words: Words) -> Rendered:
    """One line that says who speaks, and how to make it stop (CTIA, "Messaging Principles", 5.1.3)."""
    names = dict.fromkeys((words["signed_by"], words["tenant_name"]))
    text = plainly(f"{' '.join(letter.paragraphs)} {', '.join(names)}. {_STOP}")
    return Rendered(
        subject=letter.subject, text=text, html="", inline=(), title=letter.subject, paragraphs=letter.paragraphs
    )


def _figure(words: Words, *, badge: bool) -> Mapping[str, object] | None:
    """What stands above the words: each weight has a look of its own, and a nudge has none."""
    number = words.get("number")
    if badge:
        return {"kind": "badge", "alt": f"Badge: {words['name']}"}
    if words["kind"] == "percent" and number is not None:
        return {"kind": "bar", "percent": min(number, _WHOLE_PERCENT)}
    if words["tier"] == "major" and number is not None and words["kind"] == "count" and number > 1:
        return {"kind": "number", "number": number}
    return None


def _plain(letter: Letter, words: Words, links: Links) -> str:
    parts = [_WRAP.fill(paragraph) for paragraph in letter.paragraphs]
    parts.append("\n".join(words["signature"]))
    if links.inbox_url:
        parts.append(f"Your messages: {links.inbox_url}")
    if links.unsubscribe_url:
        parts.append(f"-- \nFewer messages like this: {links.unsubscribe_url}")
    return "\n\n".join(parts) + "\n"
