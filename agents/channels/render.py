"""Rendering: a milestone becomes a message in words, as text and as HTML.

It must never let a placeholder reach a client: a fact that a template needs and does not find
raises `MissingFact`, and the delivery goes to the coach.

Theory of operation: `streams.planning.compose` bends facts into words of the client's language,
`WordFiles` fills in the file that fits, `parts` adds what else the occasion brings, and `layout`
or `short_words` sets it. Files and layout are compiled once; what is decided for a client is not.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from agents.channels.badge import Badges
from agents.channels.channel import InlineImage
from agents.channels.layout import BADGE_CID, Layout, Sheet, note_html, note_text, plain_mail, without_isolates
from agents.channels.parts import Links, also, approved_letter, assemble, mentions, recap
from agents.channels.short_words import post, text_message
from agents.channels.sms_text import segments
from agents.channels.words import Letter, MissingFact, Voice, WordFiles
from agents.tenants import Tenant
from schemas.celebration import Approved, Occasion
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName
from schemas.tenant import Coach
from streams.planning.compose import Words, compose
from streams.planning.languages import FALLBACK, LANGUAGES, language_of, locale_for

__all__ = ["Links", "MissingFact", "Rendered", "Renderer"]

_DEPLOY = Path(__file__).parents[2] / "deploy"
_BADGE_PX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One message in words.

    Attributes:
        subject: the subject line; for in-app messages equal to the title.
        text: plain text, complete by itself; all there is of a text message or a post.
        html: a whole document; for in-app messages a fragment of paragraphs.
        inline: pictures that the HTML names by `cid:`.
        title: the heading of an in-app message.
        locale: BCP 47 tag of the words: `de` for a client in Austria.
        unsubscribe_url: the address of the message's own channel that ends it, for RFC 8058.
        paragraphs: its words before any layout, a line each: what a coach may approve or change.
    """

    subject: str
    text: str
    html: str
    inline: tuple[InlineImage, ...]
    title: str
    locale: str = FALLBACK
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
        self._layout = Layout(templates)

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
            channel: `in_app`, `email`, `sms` or `slack`.
            profile: the client; None when no profile has arrived.
            coach: who signs; None signs as the tenant.
            tenant: the practice, with its own templates if it has any.
            links: addresses that the message carries.

        Raises:
            MissingFact: no bracket ever reaches a client; the coach is asked instead.
        """
        voice, words = self._words(occasion, channel, profile, coach, tenant, links)
        say = partial(self._say, channel, voice)
        letter = approved_letter(occasion.approved) if occasion.approved else self._letter(occasion, words, voice)
        subject, own = letter.subject, _own_words(letter, occasion)
        if channel in ("sms", "slack"):
            fixed = self._files.fixed(voice)
            if channel == "sms":
                nameless = None if occasion.approved else self._nameless(occasion, words, voice)
                text = text_message(letter, words, links, fixed, say, nameless=nameless)
            else:
                text = post(letter, words, say)
            message = Rendered(subject=subject, text=text, html="", inline=(), title=subject, locale=voice.language)
            return replace(message, paragraphs=own)
        sheet = Sheet(
            subject=subject,
            preview=letter.preview,
            parts=assemble(letter, occasion, words, links, say),
            words=words,
            links=links,
            fixed=self._files.fixed(voice),
            language=voice.language,
        )
        message = _note(sheet) if channel == "in_app" else self._mail(sheet, badge=occasion.tier_policy.badge)
        return replace(message, paragraphs=own)

    def draft(
        self,
        occasion: Occasion,
        *,
        channel: ChannelName,
        profile: Profile | None,
        coach: Coach | None,
        tenant: Tenant,
    ) -> Approved:
        """The words that a coach may change, before anything that is added when the message leaves.

        Raises:
            MissingFact: as `render`.
        """
        voice, words = self._words(occasion, channel, profile, coach, tenant, Links())
        letter = self._letter(occasion, words, voice)
        return Approved(subject=letter.subject, paragraphs=_own_words(letter, occasion))

    def check(self, tenant: Tenant | None = None) -> tuple[str, ...]:
        """A line for each word file that does not parse; empty when all do."""
        own = tenant.folder / "templates" if tenant else None
        return tuple(self._files.broken(own if own and own.is_dir() else None))

    def _words(
        self,
        occasion: Occasion,
        channel: ChannelName,
        profile: Profile | None,
        coach: Coach | None,
        tenant: Tenant,
        links: Links,
    ) -> tuple[Voice, Words]:
        """Whose words they are, and the words."""
        folder = tenant.folder / "templates"
        locale = locale_for(profile and profile.locale, tenant.locale)
        voice = Voice(own=folder if folder.is_dir() else None, language=language_of(locale))
        say = partial(self._say, channel, voice)

        def words_of(milestone: Milestone) -> Words:
            words = compose(
                milestone,
                profile=profile,
                coach=coach,
                tenant_name=tenant.name,
                tenant_zone=tenant.timezone,
                told_at=occasion.told_at,
                locale=locale,
            )
            return {**words, "channel": channel, "phrase": occasion.phrase}

        words = words_of(occasion.milestone)
        looks_back = recap(occasion, words, say)
        words |= {
            "is_first": occasion.is_first,
            "next_step": occasion.next_step,
            "can_choose": links.preferences_url is not None,
            "certificate_page": links.certificate_url is not None,
            "recap": looks_back[0] if looks_back else "",
            "recap_items": looks_back[1] if looks_back else (),
            **also(mentions(occasion, words_of, say), LANGUAGES[voice.language].joined),
        }
        return voice, words

    def _say(self, channel: ChannelName, voice: Voice, name: str, words: Words) -> tuple[str, ...]:
        return self._files.part(name, channel, words, voice=voice)

    def _letter(self, occasion: Occasion, words: Words, voice: Voice) -> Letter:
        return self._files.letter(occasion.milestone, words["channel"], words, voice=voice, template=occasion.template)

    def _nameless(self, occasion: Occasion, words: Words, voice: Voice) -> Letter | None:
        """The letter without the client's name, if that is what may make a text message dear."""
        name = words.get("first_name", "")
        if segments(name).encoding == "GSM-7":
            return None
        return self._letter(occasion, {word: value for word, value in words.items() if word != "first_name"}, voice)

    def _mail(self, sheet: Sheet, *, badge: bool) -> Rendered:
        words = sheet.words
        picture = self._badges.png(without_isolates(words["name"]), words.get("number"), _BADGE_PX) if badge else None
        return Rendered(
            subject=sheet.subject,
            text=plain_mail(sheet),
            html=self._layout.mail(sheet, badge=badge),
            inline=(InlineImage(cid=BADGE_CID, filename="badge.png", png=picture),) if picture else (),
            title=sheet.subject,
            locale=sheet.language,
            unsubscribe_url=sheet.links.unsubscribe_url,
        )


def _own_words(letter: Letter, occasion: Occasion) -> tuple[str, ...]:
    """The file's words; without its step, where the occasion brings one or asks for something."""
    steps = () if occasion.next_step or "referral" in occasion.keepsakes else letter.steps
    return (*letter.paragraphs, *steps)


def _note(sheet: Sheet) -> Rendered:
    return Rendered(
        subject=sheet.subject,
        text=note_text(sheet),
        html=note_html(sheet),
        inline=(),
        title=sheet.subject,
        locale=sheet.language,
    )
