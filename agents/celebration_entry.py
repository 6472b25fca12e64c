"""Celebration entry: one planned celebration as rows of the ledger's page.

It must never show a client words that lack a fact, nor fail for them: such a message is left to a
sender, which asks the coach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.channels.render import MissingFact, Rendered
from agents.ledger import rows
from agents.ledger.celebrations import Page
from agents.ledger.clients import ClientKey, ClientRow
from agents.telling import NotMade, Teller, occasion_of
from agents.tenants import Tenant
from schemas.celebration import Celebration, Delivery
from schemas.milestone import Milestone
from streams.planning.carrying import keepsakes_with
from streams.planning.merging import merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A celebration as it was planned by itself, and for whom."""

    milestone: Milestone
    celebration: Celebration
    heard_at: datetime
    tenant: Tenant
    client: ClientRow

    @property
    def key(self) -> ClientKey:
        """Tenant and client."""
        return self.milestone.tenant, self.milestone.client


def enter(draft: Draft, teller: Teller, page: Page, *, also: Sequence[Milestone], lead: str | None) -> None:
    """Put a celebration on the page, its in-app message included when that is due.

    Args:
        draft: as planned.
        teller: puts it into words.
        page: what is written.
        also: milestones that its message tells of too.
        lead: the celebration whose message tells of this one; None when it goes by itself.
    """
    celebration = draft.celebration if lead is None else merged(draft.celebration, lead)
    milestone, now = draft.milestone, celebration.planned_at
    shown = _show(draft, celebration, teller, page, also)
    carried = keepsakes_with("in_app", celebration.deliveries)
    for part in celebration.deliveries:
        is_sent = shown is not None and (part is shown or part.channel in carried)
        carrier = shown.delivery_id if shown is not None and is_sent and part is not shown else None
        page.deliveries.append(rows.delivery(celebration, part, draft.heard_at, sent=is_sent, carried_by=carrier))
        if is_sent and part.channel == "referral":
            page.referrals.append(celebration)
    page.celebrations.append(rows.celebration(celebration, draft.heard_at, now if shown else None))
    page.decisions.extend(rows.decision(milestone, decision, now) for decision in celebration.decisions)
    if celebration.asks:
        coach = draft.tenant.coach(draft.client.coach).id
        page.asks.append(rows.ask(milestone, celebration.asks, coach, expires_at=celebration.expires_at, now=now))
    if celebration.task:
        coach = draft.tenant.coach(draft.client.coach).id
        page.tasks.append(rows.task(milestone, celebration.task, coach, now))


def _show(
    draft: Draft, celebration: Celebration, teller: Teller, page: Page, also: Sequence[Milestone]
) -> Delivery | None:
    """The in-app message, if it is due and can be told."""
    now = celebration.planned_at
    found = next((p for p in celebration.deliveries if p.channel == "in_app" and p.state == "pending"), None)
    if found is None or found.due_at > now:
        return None
    message = _words(draft, celebration, teller, also)
    if message is None:
        return None
    page.inbox.append(rows.inbox(draft.milestone, found.delivery_id, message.title, message.text, message.html))
    return found


def _words(draft: Draft, celebration: Celebration, teller: Teller, also: Sequence[Milestone]) -> Rendered | None:
    occasion = occasion_of(celebration, draft.milestone, also, draft.tenant, "in_app")
    try:
        return teller.tell(occasion, channel="in_app", profile=draft.client.profile, tenant=draft.tenant)
    except (MissingFact, NotMade):
        return None
