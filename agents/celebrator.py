"""The celebrator: milestones become celebrations, planned and written with their position.

It must never celebrate a milestone twice, never plan for an erased client, and never send
anything but an in-app message that is due now: that one is a row of the same transaction.

Theory of operation: of each milestone in a batch only the newest revision counts. The book is
read once for all of them, every client locked; each is planned after the one before, so that
caps and moments see what the batch itself has planned; one page is written. A revision that
is known changes nothing, so a replayed batch changes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from agents.bookkeeper import Bookkeeper, Written, refused
from agents.channels.render import Links, MissingFact, Rendered, Renderer
from agents.client_views import view_of
from agents.engine.logic import Record
from agents.ledger import rows
from agents.ledger.celebrations import Book, Page, Standing, read_book, write_page
from agents.ledger.clients import ClientRow
from agents.ledger.parked import Refusal
from agents.ledger.pool import Connection, Pool
from agents.metrics import DECISIONS, DELIVERIES, EVENT_TO_CELEBRATION_SECONDS, EVENT_TO_MILESTONE_SECONDS
from agents.tenants import Tenant, TenantsNow
from schemas.celebration import WHOLE, Celebration, CoachTask, Decision, Delivery, Occasion
from schemas.milestone import RETRACTED, Milestone
from schemas.milestone_codec import decode_milestone, heard_ms
from schemas.refusal import Refused
from schemas.topics import client_key
from streams.planning.answer import override_of
from streams.planning.history import past_of
from streams.planning.plan import plan

_HISTORY: Final = timedelta(days=9)
_CORRECTION_MINUTES: Final = 5
_TURNS_AT_A_TIME: Final = 50
_NEW = Standing(revision=0, retracted=False, celebration_id=None, attempted=False, done_by_hand=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A milestone, when the event that caused it was heard, and when its record was written, in real time."""

    milestone: Milestone
    heard_at: datetime
    tracked_at: datetime


def _instant(real_ms: int) -> datetime:
    return datetime.fromtimestamp(real_ms / 1000, tz=UTC)


class Celebrator:
    """Plans milestones.

    Args:
        tenants: asked once a batch; their rulebooks hold the policies.
        renderer: puts in-app messages into words.
        now: domain time.
    """

    def __init__(self, tenants: TenantsNow, renderer: Renderer, now: Callable[[], datetime]) -> None:
        self._tenants = tenants
        self._renderer = renderer
        self._now = now

    def keeper(self, pool: Pool) -> Bookkeeper:
        """The bookkeeper of `coaching.milestones.v1`."""
        return Bookkeeper(pool, self.write, keep_values=True)

    async def write(self, connection: Connection, records: Sequence[Record]) -> Written:
        """Plan milestones and write what comes of them, inside the caller's transaction."""
        tenants = self._tenants()
        decoded = [_decode(record, tenants) for record in records]
        newest = _newest([found for found in decoded if isinstance(found, Heard)])
        now = self._now()
        page = Page()
        if newest:
            keys = sorted({(heard.milestone.tenant, heard.milestone.client) for heard in newest})
            ids = [heard.milestone.milestone_id for heard in newest]
            book = await read_book(connection, keys, ids, now - _HISTORY)
            for number, heard in enumerate(newest, start=1):
                self._turn(heard, tenants[heard.milestone.tenant], book, page, now)
                if number % _TURNS_AT_A_TIME == 0:
                    await asyncio.sleep(0)  # a long batch must not stop senders and probes
            await write_page(connection, page)
        refusals = [found for found in decoded if isinstance(found, Refusal)]
        return Written(refusals=refusals, count=partial(_count, page, newest))

    def _turn(self, heard: Heard, tenant: Tenant, book: Book, page: Page, now: datetime) -> None:
        """What one milestone means, given what is known of it."""
        milestone = heard.milestone
        known = book.standing.get(milestone.milestone_id, _NEW)
        if _age(milestone) <= (known.revision, known.retracted):
            return
        page.milestones.append(rows.milestone(milestone, heard.heard_at))
        if milestone.type == RETRACTED:
            _withdraw(milestone, known, book, page, now)
        elif known.attempted or known.done_by_hand:
            decision = Decision(part=WHOLE, outcome="skip", reason="celebrated_before")
            page.decisions.append(rows.decision(milestone, decision, now))
        else:
            if known.celebration_id is not None:
                page.stopped.append(known.celebration_id)  # what this revision plans is opened again
            self._celebrate(heard, tenant, book, page, now)

    def _celebrate(self, heard: Heard, tenant: Tenant, book: Book, page: Page, now: datetime) -> None:
        milestone = heard.milestone
        client = book.clients[milestone.tenant, milestone.client]
        history = book.history[milestone.tenant, milestone.client]
        celebration = plan(
            milestone,
            client=view_of(client, tenant),
            policy=tenant.rulebook.policy,
            override=override_of(tenant.rulebook.by_id.get(milestone.rule)),
            history=history,
            pauses=book.pauses,
            channels=tenant.channels,
            now=now,
        )
        history.extend(past_of(celebration))
        self._enter(celebration, heard, tenant, client, page)

    def _enter(self, celebration: Celebration, heard: Heard, tenant: Tenant, client: ClientRow, page: Page) -> None:
        """Put a celebration on the page, its in-app message included when that is due."""
        milestone, now = heard.milestone, celebration.planned_at
        shown = False
        for delivery in celebration.deliveries:
            message = self._message(delivery, milestone, tenant, client, now)
            if message:
                shown = True
                page.inbox.append(
                    rows.inbox(milestone, delivery.delivery_id, message.title, message.text, message.html)
                )
            page.deliveries.append(rows.delivery(celebration, delivery, heard.heard_at, sent=bool(message)))
        page.celebrations.append(rows.celebration(celebration, heard.heard_at, now if shown else None))
        page.decisions.extend(rows.decision(milestone, decision, now) for decision in celebration.decisions)
        if celebration.task:
            coach = tenant.coach(client.coach).id
            page.tasks.append(rows.task(milestone, celebration.task, coach, now))

    def _message(
        self, delivery: Delivery, milestone: Milestone, tenant: Tenant, client: ClientRow, now: datetime
    ) -> Rendered | None:
        """The in-app message, if it is due; what cannot be rendered is left to a sender, which asks the coach."""
        if delivery.channel != "in_app" or delivery.state != "pending" or delivery.due_at > now:
            return None
        rule = tenant.rulebook.by_id.get(milestone.rule)
        try:
            return self._renderer.render(
                Occasion(
                    milestone=milestone,
                    tier_policy=tenant.rulebook.policy.tiers[milestone.tier],
                    template=rule.template if rule else None,
                    told_at=now,
                ),
                channel="in_app",
                profile=client.profile,
                coach=tenant.coach(client.coach),
                tenant=tenant,
                links=Links(),
            )
        except MissingFact:
            return None


def _decode(record: Record, tenants: Mapping[str, Tenant]) -> Heard | Refusal:
    try:
        milestone = decode_milestone((), record.value)
        if record.key != client_key(milestone.tenant, milestone.client):
            raise Refused("wrong_key", "the key is not the milestone's tenant/client")  # noqa: TRY301 - refused like any other fault
        if milestone.tenant not in tenants:
            raise Refused("unknown_tenant", "no folder of this name is among the tenants")  # noqa: TRY301 - as above
    except Refused as error:
        return refused(record, error.reason, error.detail)
    return Heard(
        milestone=milestone,
        heard_at=_instant(heard_ms(record.headers) or record.timestamp),
        tracked_at=_instant(record.timestamp),
    )


def _newest(all_heard: Sequence[Heard]) -> tuple[Heard, ...]:
    """Of each milestone the newest word, in the order of the records."""
    newest: dict[str, Heard] = {}
    for heard in all_heard:
        known = newest.get(heard.milestone.milestone_id)
        if known is None or _age(heard.milestone) > _age(known.milestone):
            newest[heard.milestone.milestone_id] = heard
    return tuple(newest.values())


def _age(milestone: Milestone) -> tuple[int, bool]:
    """Orders what is said about one milestone: a retraction comes after the revision it withdraws."""
    return milestone.revision, milestone.type == RETRACTED


def _withdraw(milestone: Milestone, known: Standing, book: Book, page: Page, now: datetime) -> None:
    """What has not left does not leave; for what has, the coach gets a suggestion."""
    decision = Decision(part=WHOLE, outcome="withdraw", reason="retracted")
    if known.celebration_id is not None:
        page.stopped.append(known.celebration_id)
        if known.attempted or known.done_by_hand:
            decision = Decision(part=WHOLE, outcome="task", reason="retracted_after_sending")
            coach = book.clients[milestone.tenant, milestone.client].coach
            page.tasks.append(rows.task(milestone, _correction(milestone), coach, now))
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


def _count(page: Page, newest: Sequence[Heard]) -> None:
    """Count what is committed."""
    for heard in newest:
        if heard.milestone.caused_by:
            EVENT_TO_MILESTONE_SECONDS.observe((heard.tracked_at - heard.heard_at).total_seconds())
    tiers = {row["milestone_id"]: row["tier"] for row in page.milestones}
    for row in page.decisions:
        DECISIONS.labels(tiers[row["milestone_id"]], row["outcome"]).inc()
    now = datetime.now(UTC)
    for row in page.deliveries:
        if row["state"] == "sent":
            DELIVERIES.labels(row["channel"], "sent").inc()
            EVENT_TO_CELEBRATION_SECONDS.labels(row["channel"]).observe((now - row["heard_at"]).total_seconds())
