"""Mails to coaches in the ledger: queued once each, claimed with a lease and a fence, never sent twice.

The states are those of deliveries: what began to be sent and has no outcome is `unknown` and not
repeated. No row holds a name, an address or a text; they are read when the mail leaves.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from schemas.client import Profile, kept_profile

_SQL = load_queries("coach_mails")
_TASK_LIMIT = 100

MailKind = Literal["approval", "escalation", "tasks"]
MailState = Literal["pending", "sent", "failed", "unknown", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachId:
    """A coach of a tenant, among its coaches.

    Attributes:
        is_first: answers for tasks of nobody, and of coaches who are gone.
        known: the ids of all coaches of the tenant.
    """

    tenant: str
    coach: str
    is_first: bool
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMail:
    """A mail that this worker holds until its lease ends."""

    mail_id: str
    tenant: str
    coach: str
    kind: MailKind
    celebration_id: str | None
    revision: int | None
    attempts: int
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task as a mail lists it."""

    task_id: int
    summary: str
    minutes: int
    profile: Profile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOutcome:
    """What became of a claimed mail.

    Attributes:
        retry_seconds: real time until it may be claimed again.
        attempted: a conversation with the mail server took place.
    """

    state: MailState
    reason: str | None = None
    provider_id: str | None = None
    retry_seconds: float | None = None
    attempted: bool = False


async def queue_tasks(pool: Pool, coach: CoachId, *, day: date, before: datetime) -> int:
    """Queue the day's mail if tasks of before that instant (domain time) stand in none; returns how many are new."""
    asked = coach.tenant, coach.coach, day, coach.is_first, before, list(coach.known)
    return len(await pool.fetch(_SQL.queue_tasks, *asked))


async def tasks_of_coach(pool: Pool, coach: CoachId) -> tuple[OpenTask, ...]:
    """What is open for this coach now, oldest first."""
    asked = coach.tenant, coach.coach, coach.is_first, list(coach.known)
    return tuple(
        OpenTask(
            task_id=row["task_id"],
            summary=row["summary"],
            minutes=row["minutes"],
            profile=kept_profile(row["profile"]) if row["profile"] else None,
        )
        for row in await pool.fetch(_SQL.tasks_of_coach, *asked, _TASK_LIMIT)
    )


async def unmark_tasks(pool: Pool, coach: CoachId) -> None:
    """The day's mail did not go: what is open counts as new for the next."""
    await pool.execute(_SQL.unmark_tasks, coach.tenant, coach.coach, coach.is_first, list(coach.known))


async def claim_mails(pool: Pool, *, now: datetime, limit: int, lease_seconds: float) -> tuple[ClaimedMail, ...]:
    """Take at most `limit` mails that are due at `now` (domain time)."""
    return tuple(ClaimedMail(**dict(row)) for row in await pool.fetch(_SQL.claim_mails, now, limit, lease_seconds))


async def begin_mail(pool: Pool, mail: ClaimedMail, *, lease_seconds: float) -> bool:
    """Commit `sending`: after this it is never sent again. False when the claim is lost, or it was answered."""
    return await pool.fetchval(_SQL.begin_mail, mail.mail_id, mail.fence, lease_seconds) is not None


async def record_mail(pool: Pool, mail: ClaimedMail, outcome: MailOutcome) -> bool:
    """Record what became of it; False when the claim was lost."""
    done = await pool.fetchval(
        _SQL.record_mail,
        mail.mail_id,
        mail.fence,
        outcome.state,
        outcome.reason,
        outcome.provider_id,
        outcome.retry_seconds,
        int(outcome.attempted),
    )
    return done is not None


async def sweep_mails(pool: Pool) -> tuple[tuple[str, MailKind], ...]:
    """Mails whose sender died after the point of no return become `unknown`: id and kind of each."""
    return tuple((row["mail_id"], row["kind"]) for row in await pool.fetch(_SQL.sweep_mails))
