"""Scenes: what the preview shows, and how each is rendered for each person and channel.

It must never stop at a message that lacks a fact: that is one of the things to be seen.

Theory of operation: the samples that ship, and for a practice with a rulebook of its own a bare
milestone for each of its rules; each is rendered like a real one, through the same renderer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from agents.channels.render import Links, MissingFact, Rendered, Renderer
from agents.preview.samples import OCCASIONS, REACHED_ON, SAMPLES, Person, milestone, occasion
from agents.tenants import Tenant
from schemas.celebration import Occasion
from schemas.client import Profile
from schemas.policy import ChannelName
from schemas.rules import Rule
from schemas.tenant import NextLink, Video

CHANNELS: tuple[ChannelName, ...] = ("email", "in_app", "sms", "slack")
PHRASINGS = 3
_RUN_DAYS = 14
_NEXT = {
    "resource": "Five short lessons on sleep",
    "offer": "The next twelve weeks",
    "check_in": "Pick a time",
    "early_access": "Have a first look",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A milestone on the stage."""

    name: str
    occasion: Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message, or why there is none.

    Attributes:
        missing: what it lacks; the coach would be asked.
    """

    channel: ChannelName
    rendered: Rendered | None
    missing: str | None = None


def scenes_of(tenant: Tenant) -> Iterator[Scene]:
    """Every scene: the samples, what may come with them, and the rules of the practice's own."""
    for name, reached in SAMPLES.items():
        yield Scene(name=name, occasion=occasion(reached))
    for name, whole in OCCASIONS.items():
        yield Scene(name=name, occasion=whole)
    if tenant.has_own_rulebook:
        for rule in tenant.rulebook.rules:
            yield Scene(name=f"rule {rule.id}", occasion=_of_rule(rule))


def show(
    renderer: Renderer, tenant: Tenant, language: str, scene: Scene, person: Person, channel: ChannelName, phrase: int
) -> Shown:
    """One message of a scene."""
    whole = replace(scene.occasion, phrase=phrase)
    profile = person.profile or Profile()
    try:
        rendered = renderer.render(
            whole,
            channel=channel,
            profile=profile.model_copy(update={"locale": language}),
            coach=tenant.coaches[0],
            tenant=tenant,
            links=_links(whole),
        )
    except MissingFact as error:
        return Shown(channel=channel, rendered=None, missing=error.name)
    return Shown(channel=channel, rendered=rendered)


def _of_rule(rule: Rule) -> Occasion:
    """The rule's first milestone, with nothing known but that it was reached."""
    marks = getattr(rule.when, "days", None) or getattr(rule.when, "reaches", None) or (getattr(rule.when, "every", 1),)
    mark = marks[0] if rule.when.kind not in ("date", "lapse") and isinstance(marks[0], int | float) else None
    name = (rule.name or rule.id).replace("{threshold}", f"{mark:g}" if mark else "")
    began_on = REACHED_ON - timedelta(days=int(mark or _RUN_DAYS) - 1)
    reached = milestone(
        rule.id,
        rule.when.kind,
        rule.tier,
        mark,
        value=mark or _RUN_DAYS,
        name=name,
        occurrence=f"it/{began_on}",
    )
    return occasion(reached, template=rule.template)


def _links(whole: Occasion) -> Links:
    """Addresses that look like real ones and lead nowhere; the pictures are beside the pages."""
    step, page = whole.next_step, "https://practice.example"
    return Links(
        unsubscribe_url=f"{page}/u/token",
        inbox_url=f"{page}/inbox",
        preferences_url=f"{page}/preferences/token",
        certificate_url=f"{page}/c/token",
        badge_url=f"{page}/b/token",
        referral_url=f"{page}/r/token",
        video=Video.model_construct(url=f"{page}/v/halfway", poster_url="../pictures/poster.svg", captions_url=page),
        next_step=NextLink(label=_NEXT[step], url=f"{page}/next") if step else None,
    )
