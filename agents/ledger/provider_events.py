"""Provider events in the ledger: what a provider tells of a message, applied once and in any order.

It must never write a task or a wish for somebody who was erased, nor let an event reach a message of another channel
or tenant. What it means is decided by `streams.planning.aftermath`; here it is found, locked and written, each event
in a transaction of its own, with the client locked before the delivery, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agents.ledger import rows
from agents.ledger.celebrations import append_decisions
from agents.ledger.clients import leave_channel, lock_client, lock_person
from agents.ledger.money import give_back
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from agents.ledger.tasks import upsert_tasks
from agents.ledger.wishes import wish_consent
from schemas.client import Consent, ConsentKind
from schemas.provider_event import ProviderEvent
from streams.planning.aftermath import Aftermath, Told, aftermath

_SQL = load_queries("provider_events")
_BRAKES = load_queries("brakes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of an event.

    Attributes:
        outcome: `unmatched`, no message of ours is meant; `duplicate`, it was told before.
        channel: of the delivery.
        state: its new state; None when it stays.
        client: whose it is; None when nothing is to be published about them.
        channels: wishes to be published: channels that they left.
        consents: consents likewise.
        returned_cents: what came back to the tenant's budget; None when nothing did.
    """

    outcome: Literal["applied", "duplicate", "unmatched"]
    channel: str | None = None
    state: str | None = None
    client: str | None = None
    channels: dict[str, bool] = field(default_factory=dict)
    consents: dict[ConsentKind, Consent] = field(default_factory=dict)
    returned_cents: int | None = None


async def is_first_use(pool: Pool, tenant: str, provider: str, token: str, body: bytes) -> bool:
    """Whether a one-time token is used for the first time, or once more for the same bytes."""
    return bool(await pool.fetchval(_SQL.token_body, tenant, provider, token, body))


async def forget_old(pool: Pool) -> None:
    """Forget some of what was told so long ago that nobody repeats it."""
    await pool.execute(_SQL.forget_told)


async def hear(
    pool: Pool, *, tenant: str, provider: str, channels: Sequence[str], event: ProviderEvent, now: datetime
) -> Heard:
    """Apply one event.

    Args:
        pool: the ledger.
        tenant: whose provider it is.
        provider: signs what is written.
        channels: those that the provider serves.
        event: what it tells.
        now: domain time.
    """
    async with pool.acquire() as connection, connection.transaction():
        asked = event.delivery_id, list(event.provider_ids), event.celebration_id
        found = await connection.fetchrow(_SQL.told_of, tenant, list(channels), *asked)
        if found is None:
            return Heard(outcome="unmatched")
        await lock_client(connection, tenant, found["client"])
        if not await connection.fetchval(_SQL.told_first, tenant, provider, event.key):
            return Heard(outcome="duplicate")
        row = await connection.fetchrow(_SQL.lock_told, found["delivery_id"])
        assert row is not None, "a delivery is never deleted"  # noqa: S101 - no statement of ours deletes one
        told = _told(row)
        means = aftermath(event, told)
        await _record(connection, row["delivery_id"], event, means)
        returned = None
        if event.returns_money and told.channel == "gift":
            why = event.detail or "the provider says so"
            returned = await give_back(connection, row["delivery_id"], author=provider, why=why, certain=True)
        person = await lock_person(connection, tenant, found["client"])
        wishes = _Wishes(connection, tenant, person, provider, now)
        if not row["erased"]:
            await _tell(connection, row, told, means, provider, now)
            await wishes.write(told.channel, means)
        return Heard(
            outcome="applied",
            channel=told.channel,
            state=means.state,
            client=person,
            channels=wishes.channels,
            consents=wishes.consents,
            returned_cents=returned,
        )


def _told(row: Any) -> Told:
    return Told(
        channel=row["channel"],
        state=row["state"],
        attempted=row["attempted"],
        milestone=rows.recorded_milestone(row["record"]),
    )


async def _record(connection: Connection, delivery_id: str, event: ProviderEvent, means: Aftermath) -> None:
    ids = event.provider_ids
    await connection.execute(
        _SQL.record_told,
        delivery_id,
        means.state,
        means.reason,
        ids[0] if ids else None,
        means.opened,
        means.clicked,
        event.happened_at,
    )


async def _tell(connection: Connection, row: Any, told: Told, means: Aftermath, provider: str, now: datetime) -> None:
    """Write down what was decided, close the question that is answered, and ask the coach for what is left."""
    if means.is_settled:
        await connection.execute(_SQL.settle_task, row["celebration_id"], provider, told.channel)
    if means.decision:
        await append_decisions(connection, [rows.decision(told.milestone, means.decision, now)])
    if means.task:
        await upsert_tasks(connection, [rows.task(told.milestone, means.task, row["coach"], now)])


class _Wishes:
    """Writes the wishes that lie in an event, and remembers what is to be published of them."""

    def __init__(self, connection: Connection, tenant: str, client: str, provider: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._client = client
        self._provider = provider
        self._now = now
        self.channels: dict[str, bool] = {}
        self.consents: dict[ConsentKind, Consent] = {}

    async def write(self, channel: str, means: Aftermath) -> None:
        """The client leaves the channel; who complains also withdraws consent to marketing, and is left in peace."""
        whose = {"tenant": self._tenant, "client": self._client}
        if means.leaves and await leave_channel(
            self._connection, **whose, channel=channel, source=means.leaves, author=self._provider
        ):
            self.channels[channel] = False
        if not means.is_complaint:
            return
        refused = Consent(granted=False, source="complaint", at=self._now)
        said = await wish_consent(self._connection, **whose, kind="marketing", said=refused, author=self._provider)
        if said:
            self.consents["marketing"] = said
        who = self._tenant, self._client
        ended = await self._connection.fetchval(_SQL.end_suppression, *who, self._provider, self._now)
        row = "complaint", self._provider, ended or "hold"
        if await self._connection.fetchval(_SQL.suppress_once, *who, *row):
            await self._connection.execute(_BRAKES.hold_client, self._tenant, self._client)
