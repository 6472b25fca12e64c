"""Wishes of clients: written into the ledger, where they hold at once, then published for everybody else.

It must never lose a wish because Kafka or its spool is away: the ledger has it, and what cannot be published is told
in the log and published with the client's next profile.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from agents.intake.spool import SpoolFull
from agents.ledger.away import AWAY
from agents.ledger.pool import Pool
from agents.ledger.wishes import change_wishes, read_history, read_wishes
from agents.metrics import UNSUBSCRIBES
from schemas.client import Consent, ConsentKind
from schemas.refusal import Refused
from schemas.wishes import Change, Wishes

Restate = Callable[[str, str, Mapping[str, Any]], Awaitable[bool]]
"""Publishes facts about a client of a tenant on the one path of profiles; False when there is none to join them to."""

_log = structlog.get_logger()


class ClientWishes:
    """Reads and changes what clients want.

    Args:
        pool: the ledger.
        restate: publishes facts.
        now: domain time.
    """

    def __init__(self, pool: Pool, restate: Restate, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._restate = restate
        self.now = now

    async def read(self, tenant: str, client: str) -> Wishes | None:
        """What counts for the client; None for one who was erased."""
        return await read_wishes(self._pool, tenant, client)

    async def history(self, tenant: str, client: str) -> tuple[Change, ...]:
        """How it came about, newest first."""
        return await read_history(self._pool, tenant, client)

    async def change(
        self,
        tenant: str,
        client: str,
        *,
        channels: Mapping[str, bool] | None = None,
        consents: Mapping[ConsentKind, bool] | None = None,
        source: str,
    ) -> bool:
        """Let what the client says count from now on, and tell everybody.

        Returns:
            False, and nothing is done, for a client who was erased.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; say it again later.
        """
        changed = await change_wishes(
            self._pool,
            tenant=tenant,
            client=client,
            channels=channels or {},
            consents=consents or {},
            source=source,
            at=self.now(),
        )
        if changed is None:
            return False
        news, said = changed
        UNSUBSCRIBES.inc(sum(not (channels or {})[channel] for channel in news))
        await self.publish(tenant, client, channels=channels or {}, consents=said)
        return True

    async def publish(
        self, tenant: str, client: str, *, channels: Mapping[str, bool], consents: Mapping[ConsentKind, Consent]
    ) -> None:
        """Publish what the ledger has already."""
        facts = {
            "channels": dict(channels),
            "consents": {kind: consent.model_dump(mode="json") for kind, consent in consents.items()},
        }
        try:
            await self._restate(tenant, client, {name: said for name, said in facts.items() if said})
        except (KafkaError, Refused, SpoolFull, *AWAY) as error:
            _log.warning("wish.not_published", tenant=tenant, client=client, error_type=type(error).__name__)
