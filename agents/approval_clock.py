"""The approval clock: asks again what nobody answers, and ends what waited long enough.

It must never let money go, and never decide in place of a person before the time that they were
told: what ends a wait is asked once more under the locks that every decision takes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from agents.ledger.approvals import Decision, decide, due_approvals, due_escalations, escalate
from agents.ledger.away import look_every
from agents.ledger.pool import Pool
from agents.metrics import APPROVALS
from agents.tenants import TenantsNow

INTERVAL_SECONDS: Final = 2.0
_log = structlog.get_logger()


class ApprovalClock:
    """Escalates and closes.

    Args:
        pool: the ledger.
        tenants: their first coach is asked when another one does not answer.
        now: domain time.
        interval_seconds: real time between looks.
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
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Look until cancelled."""
        await look_every(self._interval_seconds, self.look)

    async def look(self) -> None:
        """One look: what is due is closed, then what nobody answered is asked again."""
        now = self._now()
        for celebration_id in await due_approvals(self._pool, now):
            await self._close(celebration_id, now)
        tenants = self._tenants()
        for celebration_id, tenant, coach in await due_escalations(self._pool, now):
            known = tenants.get(tenant)
            first = known.coaches[0].id if known else coach
            await escalate(self._pool, celebration_id, coach=first, now=now)

    async def _close(self, celebration_id: str, now: datetime) -> None:
        over = Decision(ruling="approval_over", author=None)
        decided = await decide(self._pool, celebration_id, over, tenant=None, now=now)
        if decided and decided.moved:
            APPROVALS.labels(decided.approval.state).inc()
            _log.info("approval.closed", celebration_id=celebration_id, reason=decided.approval.reason)
