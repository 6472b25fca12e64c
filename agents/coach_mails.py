"""Mails to coaches: sends what is queued, and queues each morning what is left for them to do.

It must never send a mail twice, ask about something that is answered, or write about an erased
client; and never let one bad address hold up the others.

Theory of operation: one worker beside the senders, with the same channel `email`. It claims what
is due, reads who and what it is about, and hands it over; at the point of no return one statement
commits `sending` if the question is still open. At eight in the morning of each coach's zone it
queues one mail with their open tasks, if there are any that stood in none before.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from agents.channels.channel import Channel, Message, Outcome
from agents.coach_letters import CoachLetter, CoachLetters
from agents.hand_over import hand_over
from agents.ledger.approvals import find_approval
from agents.ledger.away import AWAY, look_every
from agents.ledger.coach_mails import (
    ClaimedMail,
    CoachId,
    MailOutcome,
    begin_mail,
    claim_mails,
    queue_tasks,
    record_mail,
    sweep_mails,
    tasks_of_coach,
    unmark_tasks,
)
from agents.ledger.pool import Pool
from agents.metrics import COACH_MAILS
from agents.tenants import Tenant, TenantsNow
from agents.web.approval_links import ApprovalLinks
from schemas.tenant import Coach
from streams.planning.approvals import ending
from streams.planning.backoff import MAX_ATTEMPTS, backoff_seconds

MORNING: Final = time(8)
INTERVAL_SECONDS: Final = 1.0
_IN_FLIGHT: Final = 4
_CLAIM_LEASE_SECONDS: Final = 120.0
_SENDING_LEASE_SECONDS: Final = 900.0
_SUPPRESSED_SECONDS: Final = 600.0
_log = structlog.get_logger()


class CoachMails:
    """Queues and sends.

    Args:
        pool: the ledger.
        tenants: whose coaches are written to.
        channel: the channel `email`.
        links: makes the addresses of approvals.
        now: domain time.
        interval_seconds: real time between looks.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        tenants: TenantsNow,
        channel: Channel,
        links: ApprovalLinks,
        now: Callable[[], datetime],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._pool = pool
        self._tenants = tenants
        self._channel = channel
        self._links = links
        self._now = now
        self._interval_seconds = interval_seconds
        self._letters = CoachLetters()
        self._greeted: dict[tuple[str, str], date] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        await look_every(self._interval_seconds, self.look)

    async def look(self) -> int:
        """Close what is left over, queue mornings and send what is due; returns how many were tried."""
        for mail_id, kind in await sweep_mails(self._pool):
            _log.warning("coach_mail.unknown", delivery_id=mail_id, kind=kind)
            COACH_MAILS.labels(kind, "unknown").inc()
        await self._queue_mornings()
        tried = 0
        while claimed := await claim_mails(
            self._pool, now=self._now(), limit=_IN_FLIGHT, lease_seconds=_CLAIM_LEASE_SECONDS
        ):
            tried += len(claimed)
            await asyncio.gather(*map(self._send, claimed))
        return tried

    async def _queue_mornings(self) -> None:
        """Each coach's morning is looked at once a day; the ledger holds it to one mail."""
        now = self._now()
        for tenant in tuple(self._tenants().values()):
            for coach in tenant.coaches:
                local = now.astimezone(ZoneInfo(coach.timezone))
                day, whose = local.date(), (tenant.id, coach.id)
                if local.time() < MORNING or self._greeted.get(whose) == day:
                    continue
                before = datetime.combine(day, MORNING, ZoneInfo(coach.timezone)).astimezone(UTC)
                await queue_tasks(self._pool, _coach_id(tenant, coach), day=day, before=before)
                self._greeted[whose] = day

    async def _send(self, mail: ClaimedMail) -> None:
        tenant = self._tenants().get(mail.tenant)
        try:
            outcome = await self._attempt(mail, tenant)
            if await record_mail(self._pool, mail, outcome):
                await self._tell(mail, tenant, outcome)
        except AWAY as error:  # its lease ends: claimed again, or `unknown` when it had begun
            _log.warning("ledger.away", delivery_id=mail.mail_id, error_type=type(error).__name__)

    async def _attempt(self, mail: ClaimedMail, tenant: Tenant | None) -> MailOutcome:
        if tenant is None:
            return MailOutcome(state="failed", reason="the tenant's folder is gone")
        coach = tenant.coach(mail.coach)
        letter = await self._letter(mail, tenant, coach)
        if isinstance(letter, MailOutcome):
            return letter
        begin = partial(begin_mail, self._pool, mail, lease_seconds=_SENDING_LEASE_SECONDS)
        outcome = await hand_over(self._channel, _message(mail, letter, tenant, coach), begin)
        if outcome is None:
            return MailOutcome(state="pending")  # the next claim finds out why
        return _outcome(mail, outcome)

    async def _letter(self, mail: ClaimedMail, tenant: Tenant, coach: Coach) -> CoachLetter | MailOutcome:
        """The mail in words, or why it does not go now."""
        if mail.celebration_id is None:
            tasks = await tasks_of_coach(self._pool, _coach_id(tenant, coach))
            if not tasks:
                return MailOutcome(state="skipped", reason="nothing_open")
            return self._letters.tasks(tasks, tenant=tenant, coach=coach)
        approval = await find_approval(self._pool, mail.celebration_id, tenant=mail.tenant, now=self._now())
        asked = approval.situation if approval else None
        if approval is None or asked is None or approval.state != "open" or asked.asked_revision != mail.revision:
            return MailOutcome(state="skipped", reason="answered")
        if ended := ending(asked):
            return MailOutcome(state="skipped", reason=ended)
        if approval.suppressed:
            return MailOutcome(state="pending", reason="suppressed", retry_seconds=_SUPPRESSED_SECONDS)
        url = self._links.url(tenant=tenant.id, celebration_id=approval.celebration_id, coach=coach.id)
        is_second = mail.kind == "escalation"
        return self._letters.approval(approval, tenant=tenant, coach=coach, url=url, is_second=is_second)

    async def _tell(self, mail: ClaimedMail, tenant: Tenant | None, outcome: MailOutcome) -> None:
        if outcome.state == "pending":
            return
        COACH_MAILS.labels(mail.kind, outcome.state).inc()
        if outcome.state in {"failed", "unknown"}:
            _log.warning(
                "coach_mail.not_sent", delivery_id=mail.mail_id, kind=mail.kind, state=outcome.state, tenant=mail.tenant
            )
        if outcome.state == "failed" and mail.kind == "tasks" and tenant:
            await unmark_tasks(self._pool, _coach_id(tenant, tenant.coach(mail.coach)))


def _coach_id(tenant: Tenant, coach: Coach) -> CoachId:
    known = tuple(one.id for one in tenant.coaches)
    return CoachId(tenant=tenant.id, coach=coach.id, is_first=coach.id == known[0], known=known)


def _message(mail: ClaimedMail, letter: CoachLetter, tenant: Tenant, coach: Coach) -> Message:
    return Message(
        delivery_id=mail.mail_id,
        celebration_id=mail.celebration_id or "",
        tenant=tenant.id,
        client="",
        to_address=coach.email,
        from_name=tenant.sender.from_name,
        from_address=tenant.sender.from_address,
        reply_to=None,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
    )


def _outcome(mail: ClaimedMail, outcome: Outcome) -> MailOutcome:
    """What an attempt means: bounded retries, and nothing repeated that may have left."""
    if outcome.kind == "accepted":
        return MailOutcome(state="sent", provider_id=outcome.provider_id, attempted=True)
    if outcome.kind == "unknown":
        return MailOutcome(state="unknown", reason="lost_in_sending", attempted=True)
    if outcome.kind == "rejected":
        return MailOutcome(state="failed", reason=f"rejected: {outcome.detail}", attempted=True)
    if mail.attempts + 1 >= MAX_ATTEMPTS:
        return MailOutcome(state="failed", reason="provider_away", attempted=True)
    wait_seconds = backoff_seconds(mail.attempts + 1, mail.mail_id)
    return MailOutcome(state="pending", reason="provider_away", retry_seconds=wait_seconds, attempted=True)
