"""The celebrator: milestones become celebrations, planned and written with their position.

It must never celebrate a milestone twice, never plan for an erased client, and never send
anything but an in-app message that is due now: that one is a row of the same transaction.

Theory of operation: of each milestone in a batch only the newest revision counts. The book is
read once for all of them, every client locked; the heaviest are planned first, each after the
one before, so that caps and moments see what the batch itself has planned. What one client
reaches at once, or has waiting from before, comes together in one message; then one page is
written. A revision that is known changes nothing, so a replayed batch changes nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from agents.bookkeeper import Bookkeeper, Written
from agents.celebration_entry import Draft, enter
from agents.client_views import view_of
from agents.engine.logic import Record
from agents.heard_milestones import Heard, age, decode, newest
from agents.ledger import rows
from agents.ledger.approvals import ask_approvals
from agents.ledger.celebrations import Book, Page, Standing, read_book, write_page
from agents.ledger.clients import ClientKey
from agents.ledger.parked import Refusal
from agents.ledger.pool import Connection, Pool
from agents.metrics import DECISIONS, DELIVERIES, EVENT_TO_CELEBRATION_SECONDS, EVENT_TO_MILESTONE_SECONDS
from agents.telling import Teller
from agents.tenants import Tenant, TenantsNow
from schemas.brake import recovered_because
from schemas.celebration import WHOLE, CoachTask, Decision, DecisionOutcome
from schemas.experiments import Variant
from schemas.milestone import RETRACTED, Milestone
from streams.planning.answer import override_of
from streams.planning.experiments import assign, is_held_out
from streams.planning.history import past_of
from streams.planning.merging import Told, together
from streams.planning.plan import Setting, plan

_CORRECTION_MINUTES: Final = 5
_TURNS_AT_A_TIME: Final = 50
_NEW = Standing(revision=0, retracted=False, celebration_id=None, attempted=False, done_by_hand=False, heard_at=None)

Drafts = defaultdict[ClientKey, list[Draft]]


class Celebrator:
    """Plans milestones.

    Args:
        tenants: asked once a batch; their rulebooks hold the policies.
        teller: puts in-app messages into words.
        now: domain time.
    """

    def __init__(self, tenants: TenantsNow, teller: Teller, now: Callable[[], datetime]) -> None:
        self._tenants = tenants
        self._teller = teller
        self._now = now

    def keeper(self, pool: Pool) -> Bookkeeper:
        """The bookkeeper of `coaching.milestones.v1`."""
        return Bookkeeper(pool, self.write, keep_values=True)

    async def write(self, connection: Connection, records: Sequence[Record]) -> Written:
        """Plan milestones and write what comes of them, inside the caller's transaction."""
        tenants = self._tenants()
        decoded = [decode(record, tenants) for record in records]
        latest = newest([found for found in decoded if isinstance(found, Heard)])
        now = self._now()
        page, drafts = Page(), Drafts(list)
        if latest:
            milestones = [heard.milestone for heard in latest]
            rewarded = [one for one in milestones if _grows(tenants[one.tenant], one)]
            gifted = [one for one in milestones if _may_be_gifted(tenants[one.tenant], one)]
            book = await read_book(connection, milestones, rewarded=rewarded, gifted=gifted, now=now)
            for number, heard in enumerate(latest, start=1):
                _turn(heard, tenants[heard.milestone.tenant], book, page, drafts, now)
                if number % _TURNS_AT_A_TIME == 0:
                    await asyncio.sleep(0)  # a long batch must not stop senders and probes
            for key, of_client in drafts.items():
                told = together([draft.celebration for draft in of_client], book.untold[key])
                self._enter(of_client, told, book, page)
            await write_page(connection, page)
            await ask_approvals(connection, page.asks)
        refusals = [found for found in decoded if isinstance(found, Refusal)]
        return Written(refusals=refusals, count=partial(_count, page, latest))

    def _enter(self, drafts: Sequence[Draft], told: Told | None, book: Book, page: Page) -> None:
        """Put one client's celebrations on the page; those that come together under their lead."""
        untold = {one.celebration_id: one for one in book.untold[drafts[0].key]}
        milestones = {draft.celebration.celebration_id: draft.milestone for draft in drafts}
        milestones |= {name: one.milestone for name, one in untold.items()}
        for draft in drafts:
            follows = told is not None and draft.celebration.celebration_id in told.followers
            leads = told is not None and draft.celebration.celebration_id == told.lead
            before = book.followers[draft.celebration.celebration_id]
            also = sorted(
                [*before, *(milestones[name] for name in told.followers if leads)] if told else before, key=_reached
            )
            enter(draft, self._teller, page, also=also, lead=told.lead if told and follows else None)
        for name in told.followers if told else ():
            if told is not None and name in untold:
                page.merged.append((name, told.lead))
                decision = Decision(part=WHOLE, outcome="merge", reason="merged", detail=told.lead)
                page.decisions.append(rows.decision(milestones[name], decision, drafts[0].celebration.planned_at))


def _reached(milestone: Milestone) -> tuple[datetime, str]:
    return milestone.reached_at, milestone.milestone_id


def _turn(heard: Heard, tenant: Tenant, book: Book, page: Page, drafts: Drafts, now: datetime) -> None:
    """What one milestone means, given what is known of it."""
    milestone = heard.milestone
    known = book.standing.get(milestone.milestone_id, _NEW)
    if age(milestone) <= (known.revision, known.retracted):
        return
    client = book.clients[milestone.tenant, milestone.client]
    kept = msgspec.structs.replace(milestone, facts={}) if client.erased else milestone  # erasure took them for good
    first_heard_at = min(heard.first_heard_at, known.heard_at or heard.first_heard_at)
    page.milestones.append(rows.milestone(kept, first_heard_at))
    if milestone.type == RETRACTED:
        _withdraw(milestone, known, book, page, now)
    elif client.linked_at is not None and heard.heard_at >= client.linked_at:
        decision = Decision(part=WHOLE, outcome="skip", reason="linked")  # its event is sent again for the other one
        page.decisions.append(rows.decision(milestone, decision, now))
    elif known.attempted or known.done_by_hand:
        decision = Decision(part=WHOLE, outcome="skip", reason="celebrated_before")
        page.decisions.append(rows.decision(milestone, decision, now))
    else:
        if known.celebration_id is not None:
            page.stopped.append(known.celebration_id)  # what this revision plans is opened again
        drafts[milestone.tenant, milestone.client].append(_draft(heard, first_heard_at, tenant, book, now))


def _draft(heard: Heard, first_heard_at: datetime, tenant: Tenant, book: Book, now: datetime) -> Draft:
    milestone = heard.milestone
    client = book.clients[milestone.tenant, milestone.client]
    history = book.history[milestone.tenant, milestone.client]
    celebration = plan(
        milestone,
        client=view_of(client, tenant),
        policy=tenant.rulebook.policy,
        override=override_of(tenant.rulebook.by_id.get(milestone.rule), variant_of(tenant, milestone)),
        history=history,
        account=book.accounts.of(milestone),
        pauses=book.pauses,
        recovered=recovered_because(book.recoveries, tenant=tenant.id, heard_at=first_heard_at),
        setting=setting_of(tenant, milestone),
        now=now,
    )
    history.extend(past_of(celebration))
    book.accounts.add(celebration)
    return Draft(milestone=milestone, celebration=celebration, heard_at=heard.heard_at, tenant=tenant, client=client)


def setting_of(tenant: Tenant, milestone: Milestone) -> Setting:
    """What a tenant has set up, as far as this milestone's answer asks."""
    rule, referral, policy = tenant.rulebook.by_id.get(milestone.rule), tenant.referral, tenant.rulebook.policy
    assigned = assign(policy.experiments, milestone)
    step = (assigned and assigned.variant.next) or (rule.next if rule else None)
    return Setting(
        channels=tenant.channels,
        referral_cool_down=timedelta(days=referral.cool_down_days if referral else 0),
        has_private_slack=tenant.slack is not None and tenant.slack.audience == "coaches",
        next_step=step if step in tenant.next_steps else None,
        variant=assigned.pinned if assigned else None,
        is_held_out=is_held_out(policy.hold_out, tenant.id, milestone.client),
        hears_unsigned=not all(source.is_vouched for source in tenant.sources),
    )


def variant_of(tenant: Tenant, milestone: Milestone) -> Variant | None:
    """What is tried with this client for this milestone."""
    assigned = assign(tenant.rulebook.policy.experiments, milestone)
    return assigned.variant if assigned else None


def _grows(tenant: Tenant, milestone: Milestone) -> bool:
    rule = tenant.rulebook.by_id.get(milestone.rule)
    return rule is not None and rule.reward is not None


def _may_be_gifted(tenant: Tenant, milestone: Milestone) -> bool:
    rule, tier = tenant.rulebook.by_id.get(milestone.rule), tenant.rulebook.policy.tiers[milestone.tier]
    return "gift" in ((rule and rule.channels) or tier.channels)


def _withdraw(milestone: Milestone, known: Standing, book: Book, page: Page, now: datetime) -> None:
    """What has not left does not leave; for what has, the coach gets a suggestion."""
    decision = Decision(part=WHOLE, outcome="withdraw", reason="retracted")
    if known.celebration_id is not None:
        page.stopped.append(known.celebration_id)
        if known.attempted or known.done_by_hand:
            client = book.clients[milestone.tenant, milestone.client]
            outcome: DecisionOutcome = "skip" if client.erased else "task"
            decision = Decision(part=WHOLE, outcome=outcome, reason="retracted_after_sending")
            if not client.erased:
                page.tasks.append(rows.task(milestone, _correction(milestone), client.coach, now))
        else:
            page.withdrawn.append(known.celebration_id)
            _forget(book, milestone)
    page.decisions.append(rows.decision(milestone, decision, now))


def _forget(book: Book, milestone: Milestone) -> None:
    """A celebration that is taken back gives its slot and its moment free."""
    history = book.history[milestone.tenant, milestone.client]
    history[:] = [past for past in history if past.milestone_id != milestone.milestone_id]


def _correction(milestone: Milestone) -> CoachTask:
    return CoachTask(
        kind="correct",
        reason="retracted_after_sending",
        summary=(
            f"{milestone.name}: this was congratulated, but a correction of the records withdrew it; "
            "tell the client with a light touch that the count was off, or let it stand"
        ),
        minutes=_CORRECTION_MINUTES,
    )


def _count(page: Page, latest: Sequence[Heard]) -> None:
    """Count what is committed."""
    for heard in latest:
        if heard.milestone.caused_by:
            EVENT_TO_MILESTONE_SECONDS.observe((heard.tracked_at - heard.heard_at).total_seconds())
    tiers = {row["milestone_id"]: row["tier"] for row in page.milestones}
    for row in page.decisions:
        if row["milestone_id"] in tiers:
            DECISIONS.labels(tiers[row["milestone_id"]], row["outcome"]).inc()
    now = datetime.now(UTC)
    for row in page.deliveries:
        if row["state"] == "sent":
            DELIVERIES.labels(row["channel"], "sent").inc()
            EVENT_TO_CELEBRATION_SECONDS.labels(row["channel"]).observe((now - row["heard_at"]).total_seconds())
