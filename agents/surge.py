"""The automatic brake: a tenant that sends many times what it usually does is paused, and somebody is called.

It must never lift a pause, and never act before it knows what is usual.

Theory of operation: once an hour the messages of the hours that are over are counted into a
table of their own; each minute the last hour is held against their mean. A pause is an ordinary
one, with `surge` as its author, so that `cairn resume` ends it; what a person has resumed is
not paused again within the hour.
"""

from typing import Final

import structlog

from agents.ledger.away import look_every
from agents.ledger.brakes import pause
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.metrics import SURGES
from agents.tenants import TenantsNow
from schemas.brake import Pause

INTERVAL_SECONDS: Final = 60.0
AUTHOR: Final = "surge"
_SQL = load_queries("surges")
_log = structlog.get_logger()


class SurgeBrake:
    """Watches how much each tenant sends.

    Args:
        pool: the ledger.
        tenants: their policies say how much is too much.
        interval_seconds: real time between two looks.
    """

    def __init__(self, pool: Pool, tenants: TenantsNow, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._pool = pool
        self._tenants = tenants
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Look until cancelled."""
        await look_every(self._interval_seconds, self.look)

    async def look(self) -> None:
        """Pause the tenants that send too much now."""
        await self._pool.execute(_SQL.count_hours)
        for row in await self._pool.fetch(_SQL.last_hour, AUTHOR):
            tenant = self._tenants().get(row["tenant"])
            if tenant is None:
                continue
            surge, usual = tenant.rulebook.policy.surge, float(row["usual"])
            if row["deliveries"] <= max(surge.floor, surge.times * usual):
                continue
            reason = f"{row['deliveries']} messages in an hour, usually {usual:.0f}: look why, then cairn resume"
            if await pause(self._pool, Pause(tenant=tenant.id, reason=reason), author=AUTHOR):
                SURGES.inc()
                _log.error("tenant.surge", tenant=tenant.id, count=row["deliveries"])
