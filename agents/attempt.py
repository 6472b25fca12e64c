"""One attempt at a claimed delivery: ask once more, put it into words, send it, record it.

It must never send what somebody stopped before the point of no return, never repeat what may
have left, and never let a fault of one message out: each ends as a recorded verdict.

Theory of operation: what decides is read for all that were claimed at once, and decided on. What
may not leave is settled, and an in-app message shown, in a transaction that locks the client and
asks once more. Any other is rendered and handed to its channel, which calls back at the point of
no return: there one commit takes the slot and writes `sending`, under the claim's fence and the
client's lock, and only if all that the ledger holds of what decides is still as it was read. A
brake, an erasure, a retraction or another message to the client in between has changed it, so
that commit fails and nothing goes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from agents.channels.channel import Channel, Message, Outcome, PointOfNoReturn
from agents.hand_over import hand_over
from agents.ledger import rows
from agents.ledger.away import AWAY
from agents.ledger.celebrations import show
from agents.ledger.deliveries import (
    Claimed,
    Facts,
    Ready,
    begin_sending,
    carry,
    lock_ready,
    part,
    read_facts,
    ready_of,
    settle,
    take_slot,
    unclaim,
)
from agents.ledger.pool import Connection, Pool
from agents.metrics import DELIVERIES, DELIVERY_ATTEMPT_SECONDS, EVENT_TO_CELEBRATION_SECONDS
from agents.release_asking import budget_of, case_of, objection_of, told_apart
from agents.release_message import message_of, occasion_to_release, words_of
from agents.telling import Teller
from agents.tenants import Tenant, TenantsNow
from schemas.celebration import Verdict
from schemas.policy import Budget, ChannelName
from streams.planning.verdicts import on_outcome

SENDING_LEASE_SECONDS: Final = 900.0
"""Outlives the longest wait after the point of no return: 600 s for an SMTP server's reply."""

_RECORD_TRIES: Final = 6
_RECORD_WAIT_SECONDS: Final = 0.2
_log = structlog.get_logger()


class Attempts:
    """Makes attempts on one channel.

    Args:
        pool: the ledger.
        tenants: asked once an attempt.
        channel: where messages go; None for the app's own inbox.
        teller: puts messages into words.
        now: domain time.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        tenants: TenantsNow,
        channel: Channel | None,
        teller: Teller,
        now: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._tenants = tenants
        self._channel = channel
        self._teller = teller
        self._now = now

    async def read(self, claims: Sequence[Claimed]) -> Mapping[str, Facts]:
        """What is known of claimed deliveries, by their ids; nothing where it is asked under the locks anyway."""
        return {} if self._channel is None else await read_facts(self._pool, claims, self._now())

    async def make(self, claimed: Claimed, facts: Facts | None) -> None:
        """Take a claimed delivery as far as it goes now; without facts it is asked about under the locks."""
        tenant, now = self._tenants().get(claimed.tenant), self._now()
        ready = ready_of(facts) if facts else None
        if self._channel is None or tenant is None or ready is None or objection_of(claimed, ready, tenant, now):
            await self._decide(claimed, tenant, now)
            return
        if apart := told_apart(tenant, ready, now):
            async with self._pool.acquire() as connection, connection.transaction():
                await part(connection, claimed, ready, apart)
            return
        occasion = occasion_to_release(ready, tenant, now)
        message = await message_of(self._teller, claimed, ready, tenant, occasion)
        if isinstance(message, Verdict):
            await self._record(claimed, ready, message)
            return
        begin = partial(self._begin, claimed, ready, tuple(occasion.keepsakes), budget_of(ready, tenant))
        outcome = await self._send(self._channel, claimed, ready, message, begin)
        if outcome is not None:
            in_doubt = outcome.in_doubt or ready.in_doubt
            case = case_of(claimed, ready)
            verdict = on_outcome(case, outcome.kind, outcome.detail, outcome.provider_id, in_doubt=in_doubt)
            await self._record(claimed, ready, verdict, in_doubt=outcome.in_doubt)

    async def _decide(self, claimed: Claimed, tenant: Tenant | None, now: datetime) -> None:
        """Ask under the locks: settle what may not leave, show what has no channel, leave the rest to a new claim."""
        async with self._pool.acquire() as connection, connection.transaction():
            ready = await lock_ready(connection, claimed, now)
            if ready is None:
                return
            verdict = objection_of(claimed, ready, tenant, now)
            if verdict is None and tenant is not None and (apart := told_apart(tenant, ready, now)):
                await part(connection, claimed, ready, apart)
                return
            if verdict is None and self._channel is None and tenant is not None:
                await take_slot(connection, ready.celebration_id, now)
                verdict = await self._show(connection, claimed, ready, tenant)
            if verdict is None:  # what objected is gone
                await unclaim(connection, claimed)
                return
            settled = await settle(connection, claimed, ready, verdict, now=now)
        if settled:
            _count(ready, verdict)

    async def _show(self, connection: Connection, claimed: Claimed, ready: Ready, tenant: Tenant) -> Verdict:
        """Show an in-app message, in the transaction that asked."""
        now = self._now()
        occasion = occasion_to_release(ready, tenant, now)
        rendered = words_of(self._teller, claimed, ready, tenant, occasion)
        if isinstance(rendered, Verdict):
            return rendered
        item = rows.inbox(ready.milestone, claimed.delivery_id, rendered.title, rendered.text, rendered.html)
        await show(connection, item)
        await carry(connection, ready, claimed.delivery_id, tuple(occasion.keepsakes), now)
        return Verdict(state="sent")

    async def _send(
        self, channel: Channel, claimed: Claimed, ready: Ready, message: Message, begin: PointOfNoReturn
    ) -> Outcome | None:
        """Hand the message to its channel; None when it was stopped before the point of no return."""
        started = time.monotonic()
        outcome = await hand_over(channel, message, begin)
        DELIVERY_ATTEMPT_SECONDS.labels(ready.channel).observe(time.monotonic() - started)
        if outcome is None:
            _log.info("delivery.taken_back", channel=channel.name, delivery_id=claimed.delivery_id)
        return outcome

    async def _begin(
        self, claimed: Claimed, ready: Ready, carried: Sequence[ChannelName], budget: Budget | None
    ) -> bool:
        return await begin_sending(
            self._pool,
            claimed,
            ready,
            lease_seconds=SENDING_LEASE_SECONDS,
            carried=carried,
            budget=budget,
            now=self._now(),
        )

    async def _settle(self, claimed: Claimed, ready: Ready, verdict: Verdict, *, in_doubt: bool) -> bool:
        is_more = in_doubt or verdict.is_told
        async with self._pool.acquire() as connection, AsyncExitStack() as stack:
            if is_more:  # one statement is its own transaction
                await stack.enter_async_context(connection.transaction())
            return await settle(connection, claimed, ready, verdict, in_doubt=in_doubt, now=self._now())

    async def _record(self, claimed: Claimed, ready: Ready, verdict: Verdict, *, in_doubt: bool = False) -> None:
        """Record a verdict; should the database stay away, the sweeper finds an honest `unknown`."""
        for tries in range(1, _RECORD_TRIES + 1):
            try:
                settled = await self._settle(claimed, ready, verdict, in_doubt=in_doubt)
            except AWAY as error:
                _log.warning(
                    "outcome.not_recorded",
                    delivery_id=claimed.delivery_id,
                    state=verdict.state,
                    attempt=tries,
                    error_type=type(error).__name__,
                )
                await asyncio.sleep(_RECORD_WAIT_SECONDS * 2**tries)
            else:
                if settled:
                    _count(ready, verdict)
                return


def _count(ready: Ready, verdict: Verdict) -> None:
    DELIVERIES.labels(ready.channel, verdict.state).inc()
    if verdict.state == "sent":
        seconds = (datetime.now(UTC) - ready.heard_at).total_seconds()
        EVENT_TO_CELEBRATION_SECONDS.labels(ready.channel).observe(seconds)
