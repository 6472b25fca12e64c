"""The approval desk: shows a coach what waits and takes their answer, for API, page and command line alike.

It must never approve words that nobody could see: what is approved is rendered, or typed, in full
before the decision, and stored with it, so that this is what is sent.

Theory of operation: the occasion is built from what was pinned when the celebration was planned,
and the same renderer puts it into words that later sends it. A message that cannot be rendered
shows what is missing; the coach may write it instead.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.channels.render import Links, MissingFact, Rendered, Renderer
from agents.coach_letters import amount
from agents.ledger.approvals import Approval, Decided, Decision, Waiting, decide, find_approval, open_approvals
from agents.ledger.money import month_of, taken
from agents.ledger.pool import Pool
from agents.metrics import APPROVALS
from agents.telling import template_of
from agents.tenants import Tenant, TenantsNow
from schemas.celebration import Approved, Occasion
from schemas.policy import ChannelName
from streams.planning.answer import KEEPSAKES, MESSAGES
from streams.planning.approvals import Answer, ending
from streams.planning.approved_words import UnfitWords
from streams.planning.carrying import carrier_of
from streams.planning.compose import given_name

_NO_WORDS: Mapping[str, Approved] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One message as the client will get it.

    Attributes:
        html: a whole document for `email`, with its pictures inside; a fragment or empty for others.
        words: what a coach may change; None when the message could not be put into words.
        missing: why not.
    """

    channel: str
    subject: str
    text: str
    html: str
    words: Approved | None
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What of the month's budgets is given or promised, in cents, without the gift that is asked about.

    Attributes:
        exceeds: with it, one of the budgets would be exceeded; a yes goes beyond it.
    """

    client_cents: int
    client_month_cents: int
    tenant_cents: int
    tenant_month_cents: int
    exceeds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An approval with its messages.

    Attributes:
        month: the budgets, where a gift waits.
    """

    approval: Approval
    tenant: Tenant
    first_name: str | None
    previews: tuple[Preview, ...]
    month: Month | None = None

    @property
    def beyond_budget(self) -> str | None:
        """What to know before saying yes to more than a budget leaves; None when it leaves enough."""
        month = self.month
        if month is None or not month.exceeds:
            return None
        client, of_client, practice, of_practice = (
            amount(cents, self.tenant)
            for cents in (
                month.client_cents, month.client_month_cents, month.tenant_cents, month.tenant_month_cents,
            )
        )  # fmt: skip
        return (
            f"The gift is more than the budget leaves this month: {client} of {of_client} are given or promised to the "
            f"client, {practice} of {of_practice} in the whole practice. A yes goes beyond it."
        )

    @property
    def words(self) -> dict[str, Approved]:
        """The words of every message that could be rendered, by channel."""
        return {preview.channel: preview.words for preview in self.previews if preview.words}


class ApprovalDesk:
    """Shows and decides.

    Args:
        pool: the ledger.
        tenants: asked once a question.
        renderer: the one that senders use.
        now: domain time.
    """

    def __init__(self, pool: Pool, *, tenants: TenantsNow, renderer: Renderer, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._tenants = tenants
        self._renderer = renderer
        self._now = now

    async def waiting(self, tenant: str | None) -> tuple[Waiting, ...]:
        """What waits for coaches, oldest first; of every tenant when `tenant` is None."""
        return await open_approvals(self._pool, tenant=tenant)

    async def look(
        self, celebration_id: str, *, tenant: str | None, words: Mapping[str, Approved] = _NO_WORDS
    ) -> Look | None:
        """An approval with each of its messages as it would go now; None when there is none, or not of this tenant.

        Args:
            celebration_id: what it is about.
            tenant: None for any.
            words: typed instead of what the files say, by channel.
        """
        now = self._now()
        approval = await find_approval(self._pool, celebration_id, tenant=tenant, now=now)
        if approval is None or approval.tenant not in self._tenants():
            return None
        return self._look(approval, words, now, await self._month(approval, now))

    async def _month(self, approval: Approval, now: datetime) -> Month | None:
        if approval.state != "open" or "gift" not in approval.situation.waiting:
            return None
        whose = approval.tenant, approval.client
        spent = (await taken(self._pool, [whose], month_of(now)))[whose]
        budget = self._tenants()[approval.tenant].rulebook.policy.budget
        of_client, of_tenant = spent.client_cents + approval.cents, spent.tenant_cents + approval.cents
        return Month(
            client_cents=spent.client_cents,
            client_month_cents=budget.client_month_cents,
            tenant_cents=spent.tenant_cents,
            tenant_month_cents=budget.tenant_month_cents,
            exceeds=of_client > budget.client_month_cents or of_tenant > budget.tenant_month_cents,
        )

    async def answer(
        self,
        celebration_id: str,
        answer: Answer,
        *,
        tenant: str | None,
        author: str,
        words: Mapping[str, Approved] = _NO_WORDS,
        note: str | None = None,
        revision: int | None = None,
    ) -> Decided | None:
        """Take a person's answer; None when there is no such approval.

        Args:
            celebration_id: what it is about.
            answer: what they say.
            tenant: None for any.
            author: who says it, by id.
            words: what they typed, by channel; a channel that is not named goes as it is shown.
            note: why they decline.
            revision: the one that they were shown.

        Raises:
            UnfitWords: words for a message that does not wait.
        """
        look = await self.look(celebration_id, tenant=tenant, words=words)
        if look is None:
            return None
        messages, situation = _messages(look.approval), look.approval.situation
        is_current = look.approval.state == "open" and revision in (None, situation.asked_revision)
        odd = sorted(set(words) - set(messages)) if is_current and ending(situation) is None else []
        if odd:
            raise UnfitWords(f"{odd[0]}: no such message waits, so words for it would go nowhere")
        pinned: dict[str, Approved] = look.words
        pinned.update({channel: words[channel] for channel in words if channel in messages})
        decision = Decision(ruling=answer, author=author, words=pinned, note=note, revision=revision)
        decided = await decide(self._pool, celebration_id, decision, tenant=tenant, now=self._now())
        if decided and decided.moved:
            APPROVALS.labels(decided.approval.state).inc()
        return decided

    def _look(self, approval: Approval, words: Mapping[str, Approved], now: datetime, month: Month | None) -> Look:
        tenant = self._tenants()[approval.tenant]
        is_open = approval.state == "open"
        channels = _messages(approval) if is_open else tuple(approval.words)
        said = words if is_open else approval.words
        profile = approval.profile
        return Look(
            approval=approval,
            tenant=tenant,
            first_name=given_name(profile.name) if profile and profile.name else None,
            previews=tuple(self._preview(approval, tenant, channel, said.get(channel), now) for channel in channels),
            month=month,
        )

    def _preview(
        self, approval: Approval, tenant: Tenant, channel: str, words: Approved | None, now: datetime
    ) -> Preview:
        try:
            rendered = self._renderer.render(
                _occasion(approval, tenant, channel, now, words),
                channel=_channel(channel),
                profile=approval.profile,
                coach=tenant.coach(approval.profile.coach_id if approval.profile else None),
                tenant=tenant,
                links=Links(next_step=tenant.next_steps.get(approval.next_step) if approval.next_step else None),
            )
        except MissingFact as error:
            return Preview(
                channel=channel, subject="", text="", html="", words=words, missing=None if words else error.name
            )
        shown = words or Approved(subject=rendered.subject, paragraphs=rendered.paragraphs)
        is_so = rendered.paragraphs == shown.paragraphs  # else the layout says something else than what would go
        return Preview(
            channel=channel,
            subject=shown.subject,
            text=rendered.text if is_so else "\n\n".join(shown.paragraphs),
            html=_with_pictures(rendered) if is_so else "",
            words=shown,
        )


def _occasion(approval: Approval, tenant: Tenant, channel: str, now: datetime, words: Approved | None) -> Occasion:
    """The occasion as it was pinned when the celebration was planned; the first message carries the keepsakes."""
    keepsakes = KEEPSAKES & approval.going if channel == carrier_of(approval.going) else frozenset()
    milestone = approval.milestone
    return Occasion(
        milestone=milestone,
        tier_policy=tenant.rulebook.policy.tiers[milestone.tier],
        told_at=now,
        template=template_of(milestone, tenant, approval.variant),
        also=approval.merged,
        phrase=approval.phrase,
        next_step=approval.next_step,
        keepsakes=keepsakes,
        is_first=approval.is_first,
        approved=words,
    )


def _messages(approval: Approval) -> tuple[ChannelName, ...]:
    """The messages among the parts that wait, the mail first."""
    return tuple(part for part in ("email", "in_app", "sms") if part in approval.situation.waiting)


def _channel(name: str) -> ChannelName:
    return next(channel for channel in MESSAGES if channel == name)


def _with_pictures(rendered: Rendered) -> str:
    """The HTML with its pictures inside, as a page can show it."""
    html = rendered.html
    for image in rendered.inline:
        html = html.replace(f"cid:{image.cid}", f"data:image/png;base64,{base64.b64encode(image.png).decode()}")
    return html
