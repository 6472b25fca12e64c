"""The sweeper: closes what nobody will finish, and lets go what no brake holds any more.

It must never send anything and never turn `sending` back: a delivery whose sender died after
the point of no return is `unknown`, and a person is told.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final

import structlog

from agents.ledger import rows
from agents.ledger.away import look_every
from agents.ledger.brakes import release_held
from agents.ledger.celebrations import append_decisions, free_merged
from agents.ledger.money import settle_ended
from agents.ledger.pool import Connection, Pool
from agents.ledger.sweeping import (
    Swept,
    drop_uncarried,
    follow_carriers,
    leads_that_ended,
    leave_untold,
    milestones_of,
    sweep_expired,
    sweep_sending,
)
from agents.ledger.tasks import upsert_tasks
from agents.ledger.unknowns import resend_unknown
from agents.metrics import DELIVERIES
from agents.tenants import TenantsNow
from schemas.celebration import Decision, DecisionOutcome, Reason
from schemas.milestone import Milestone
from streams.planning.answer import MESSAGES
from streams.planning.handwork import undelivered_task

INTERVAL_SECONDS: Final = 1.0
_LOOK_BACK_SECONDS: Final = 60.0
_log = structlog.get_logger()


class Sweeper:
    """Sweeps the ledger.

    Args:
        pool: the ledger.
        tenants: their policies say what becomes of what is unknown.
        now: domain time.
        interval_seconds: real time between sweeps.
    """

    def __init__(
        self,
        pool: Pool,
        tenants: TenantsNow,
        now: Callable[[], datetime],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._pool = pool
        self._tenants = tenants
        self._now = now
        self._looked_back_at = -_LOOK_BACK_SECONDS
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Sweep until cancelled."""
        await look_every(self._interval_seconds, self.sweep)

    async def sweep(self) -> None:
        """One sweep: in one transaction what nobody will finish, then what follows from it."""
        now = self._now()
        async with self._pool.acquire() as connection, connection.transaction():
            lost = await sweep_sending(connection)
            ended = await sweep_expired(connection, now)
            late = [swept for swept in ended if swept.state == "skipped"]
            lost = (*lost, *(swept for swept in ended if swept.state == "unknown"))
            await self._record(connection, lost, "lost_in_sending", now)
            await self._record(connection, late, "expired", now)
            await release_held(connection, now)
        await self._follow(now)
        for swept in lost:
            _log.warning("delivery.unknown", delivery_id=swept.delivery_id, channel=swept.channel)
            DELIVERIES.labels(swept.channel, "unknown").inc()
        for swept in late:
            DELIVERIES.labels(swept.channel, "skipped").inc()

    async def _follow(self, now: datetime) -> None:
        """What follows from what was finished: keepsakes, money, and what was to be told along."""
        async with self._pool.acquire() as connection, connection.transaction():
            await follow_carriers(connection)
            uncarried = await drop_uncarried(connection)
            await self._record(connection, uncarried, "not_carried", now)
        for swept in uncarried:
            DELIVERIES.labels(swept.channel, "skipped").inc()
        await settle_ended(self._pool)
        if tenants := self._resending():
            async with self._pool.acquire() as connection, connection.transaction():
                await resend_unknown(connection, tenants=tenants, now=now)
        if monotonic() - self._looked_back_at < _LOOK_BACK_SECONDS:
            return
        self._looked_back_at = monotonic()
        async with self._pool.acquire() as connection, connection.transaction():
            await free_merged(connection, await leads_that_ended(connection))
            await leave_untold(connection)

    def _resending(self) -> list[str]:
        """The tenants who rather send twice than not at all."""
        return [name for name, tenant in self._tenants().items() if tenant.rulebook.policy.unknown == "resend"]

    async def _record(self, connection: Connection, all_swept: Sequence[Swept], reason: Reason, now: datetime) -> None:
        if not all_swept:
            return
        found = await milestones_of(connection, [swept.celebration_id for swept in all_swept])
        decisions, tasks = [], []
        for swept in all_swept:
            of = found[swept.celebration_id]
            decisions.append(rows.decision(of.milestone, _decision(swept, reason), now))
            if not of.erased and _needs_person(of.milestone, swept, reason):
                told: Reason = "recovered" if swept.recovered and reason == "expired" else reason
                asked = undelivered_task(of.milestone, swept.channel, told, None)
                tasks.append(rows.task(of.milestone, asked, of.coach, now))
        await append_decisions(connection, decisions)
        await upsert_tasks(connection, tasks)


def _decision(swept: Swept, reason: Reason) -> Decision:
    outcome: DecisionOutcome = "task" if reason == "lost_in_sending" else "skip"
    return Decision(part=swept.channel, outcome=outcome, reason=reason)


def _needs_person(milestone: Milestone, swept: Swept, reason: Reason) -> bool:
    """A major and its certificate never vanish; a lighter one that is too late is better left."""
    is_major = milestone.tier == "major" and (swept.channel in MESSAGES or swept.channel in {"certificate", "gift"})
    return reason == "lost_in_sending" or is_major
