"""Telling: what was decided about a celebration becomes the occasion that a message is about.

It must never decide anew: phrasing, next step, keepsakes and what is told along were pinned
when the celebration was planned; only the facts are those of the moment of sending.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from agents.channels.channel import Attachment
from agents.channels.render import MissingFact, Rendered, Renderer
from agents.keepsakes import certificate_attachment
from agents.message_links import MessageLinks
from agents.tenants import Tenant
from schemas.celebration import Celebration, Occasion, celebration_id
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName
from streams.planning.carrying import keepsakes_with

_log = structlog.get_logger()


class NotMade(Exception):
    """Words or pictures failed for another reason than a missing fact; the text names the kind of fault, no content."""


class Teller:
    """Puts occasions into words.

    Args:
        renderer: knows the words.
        links_of: the addresses that a message carries.
    """

    def __init__(self, renderer: Renderer, links_of: MessageLinks) -> None:
        self._renderer = renderer
        self._links_of = links_of

    def tell(self, occasion: Occasion, *, channel: ChannelName, profile: Profile | None, tenant: Tenant) -> Rendered:
        """The message of an occasion.

        Raises:
            MissingFact: no bracket ever reaches a client; the coach is asked instead.
            NotMade: likewise.
        """
        with _made():
            return self._renderer.render(
                occasion,
                channel=channel,
                profile=profile,
                coach=tenant.coach(profile.coach_id if profile else None),
                tenant=tenant,
                links=self._links_of(tenant, occasion, channel),
            )

    async def attachments(
        self, occasion: Occasion, *, profile: Profile | None, tenant: Tenant
    ) -> tuple[Attachment, ...]:
        """The files that go with an occasion's mail; drawn in a thread, because that takes a while.

        Raises:
            NotMade: as `tell`.
        """
        if "certificate" not in occasion.keepsakes:
            return ()
        with _made():
            certificate = await asyncio.to_thread(
                certificate_attachment,
                occasion,
                celebration_id=celebration_id(occasion.milestone.milestone_id),
                profile=profile,
                coach=tenant.coach(profile.coach_id if profile else None),
                tenant=tenant,
                addresses=self._links_of.keepsakes,
            )
        return (certificate,)


@contextmanager
def _made() -> Iterator[None]:
    try:
        yield
    except MissingFact:
        raise
    except Exception as error:  # whatever a template or a font can provoke: the message is left to a person
        _log.error("message.not_made", error_type=type(error).__name__, exc_info=error)
        raise NotMade(type(error).__name__) from error


def occasion_of(
    celebration: Celebration, milestone: Milestone, also: Sequence[Milestone], tenant: Tenant, channel: ChannelName
) -> Occasion:
    """The occasion of a celebration that is told in the moment in which it is planned."""
    return Occasion(
        milestone=milestone,
        tier_policy=tenant.rulebook.policy.tiers[milestone.tier],
        told_at=celebration.planned_at,
        template=template_of(milestone, tenant, celebration.variant),
        also=tuple(also),
        phrase=celebration.phrase,
        next_step=celebration.next_step,
        keepsakes=keepsakes_with(channel, celebration.deliveries),
        is_first=celebration.is_first,
    )


def template_of(milestone: Milestone, tenant: Tenant, pinned: str | None) -> str | None:
    """The template of the variant that was pinned, or else of the milestone's rule: before those of kind and tier."""
    name, _, chosen = (pinned or "").partition("/")
    experiments = (one for one in tenant.rulebook.policy.experiments if one.id == name)
    variant = next((one.variants[chosen] for one in experiments if chosen in one.variants), None)
    rule = tenant.rulebook.by_id.get(milestone.rule)
    return (variant.template if variant else None) or (rule.template if rule else None)
