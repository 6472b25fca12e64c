"""Rendering: the words of a celebration, from files that a coach can read.

It must never let a placeholder reach a client: a fact that a template needs and does not find
raises `MissingFact`, and the delivery goes to the coach.
"""

from dataclasses import dataclass
from pathlib import Path

from agents.channels.channel import InlineImage
from agents.tenants import Tenant
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName, TierPolicy
from schemas.tenant import Coach


class MissingFact(Exception):
    """A template needs a fact that is not there, or no template fits.

    Attributes:
        name: the fact, in the words of the template.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the message needs {name}, which is not known")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The addresses that a message may carry.

    Attributes:
        unsubscribe_url: the page `/u/{token}`; None on channels without one.
        inbox_url: where the client reads in-app messages; None when only the platform shows them.
    """

    unsubscribe_url: str | None = None
    inbox_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One message in words.

    Attributes:
        subject: the subject line; for in-app messages equal to the title.
        text: plain text, complete by itself.
        html: a whole document; empty for in-app messages, whose `text` is shown as it is.
        inline: pictures that the HTML names by `cid:`.
        title: the heading of an in-app message.
        locale: BCP 47 tag of the templates that were used.
    """

    subject: str
    text: str
    html: str
    inline: tuple[InlineImage, ...]
    title: str
    locale: str


class Renderer:
    """Renders milestones; built once, then used by everybody.

    Args:
        templates: our own templates, `deploy/templates`.
        tenants: the folder of tenants; `{tenants}/{tenant}/templates` stands before ours.
    """

    def __init__(self, templates: Path, tenants: Path | None = None) -> None:
        self._templates = templates
        self._tenants = tenants

    def render(  # noqa: PLR0913 - keyword-only, and each is another party to one message
        self,
        milestone: Milestone,
        *,
        channel: ChannelName,
        tier_policy: TierPolicy,
        profile: Profile | None,
        coach: Coach | None,
        tenant: Tenant,
        links: Links,
        template: str | None = None,
    ) -> Rendered:
        """Put a milestone into words.

        Args:
            milestone: what was reached.
            channel: `in_app` or `email`.
            tier_policy: decides whether a badge belongs to it.
            profile: the client; None when no profile has arrived.
            coach: `schemas.tenant.Coach` who signs; None signs as the tenant.
            tenant: `schemas.tenant.Tenant`.
            links: addresses that the message carries.
            template: a rule's own template, before all others.

        Raises:
            MissingFact: no bracket ever reaches a client; the coach is asked instead.
        """
        raise NotImplementedError
