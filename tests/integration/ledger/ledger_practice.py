"""A practice on a real database: milestones go in, the ledger and a recording channel show what came out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agents.attempt import Attempts
from agents.bookkeeper import Bookkeeper
from agents.celebrator import Celebrator
from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.channels.render import Renderer
from agents.engine.batch import Batch
from agents.ledger.pool import Pool
from agents.message_links import MessageLinks
from agents.profiles import profile_keeper
from agents.sender import Sender, SenderLimits
from agents.sweeper import Sweeper
from agents.telling import Teller
from agents.tenants import Tenant
from agents.wakeup import Wakeup
from schemas.client import Profile
from schemas.milestone import Milestone, milestone_id
from schemas.milestone_codec import encode_milestone
from schemas.policy import Policy
from schemas.topics import CLIENTS, MILESTONES, client_key

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
HEARD_MS = 1_780_000_000_000
TELLER = Teller(Renderer(), MessageLinks("https://x.example", "k" * 32))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRecord:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = HEARD_MS
    timestamp_type: int | None = 1
    headers: tuple[tuple[str, bytes | None], ...] = ()


class RecordingChannel:
    """Takes messages and answers what the test says; crosses the point of no return like any channel."""

    name = "email"

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.answers: list[Outcome] = []
        self.first_sent = asyncio.Event()
        self.before: list[Callable[[], Awaitable[None]]] = []

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        for step in self.before:
            await step()
        if self.answers and self.answers[0].kind == "retry":
            return self.answers.pop(0)
        if not await point_of_no_return():
            return Outcome(kind="retry", detail="stopped")
        self.sent.append(message)
        self.first_sent.set()
        return self.answers.pop(0) if self.answers else Outcome(kind="accepted", detail="250", provider_id="q1")


@dataclass(slots=True, kw_only=True)
class Practice:
    """Everything of one test: the clock is moved by hand."""

    pool: Pool
    tenants: dict[str, Tenant]
    now: datetime = NOON
    channel: RecordingChannel = field(default_factory=RecordingChannel)
    keepers: dict[str, Bookkeeper] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    def clock(self) -> datetime:
        return self.now

    async def claim(self) -> None:
        self.keepers = {
            MILESTONES: Celebrator(lambda: self.tenants, TELLER, self.clock).keeper(self.pool),
            CLIENTS: profile_keeper(self.pool),
        }
        for topic, keeper in self.keepers.items():
            self.ends[topic] = await keeper.claim(topic, 0)

    def batch(self, topic: str, *pairs: tuple[bytes | None, bytes | None]) -> Batch:
        start = self.ends[topic]
        records = tuple(FakeRecord(offset=start + n, key=key, value=value) for n, (key, value) in enumerate(pairs))
        return Batch(topic=topic, partition=0, start=start, end=start + len(records), records=records)

    async def apply(self, batch: Batch) -> None:
        await self.keepers[batch.topic].apply(batch)
        self.ends[batch.topic] = batch.end

    async def hear(self, *milestones: Milestone) -> Batch:
        pairs = [(client_key(m.tenant, m.client), encode_milestone(m)[0]) for m in milestones]
        batch = self.batch(MILESTONES, *pairs)
        await self.apply(batch)
        return batch

    async def meet(self, client: str = "ana", **fields: object) -> None:
        profile = Profile.model_validate(
            {"name": "Ana", "email": f"{client}@clients.example", "timezone": "UTC", **fields}
        )
        value = profile.model_dump_json(exclude_defaults=True).encode()
        await self.apply(self.batch(CLIENTS, (client_key("northstar", client), value)))

    async def erase(self, client: str = "ana") -> None:
        await self.apply(self.batch(CLIENTS, (client_key("northstar", client), None)))

    def attempts(self, channel: str) -> Attempts:
        return Attempts(
            pool=self.pool,
            tenants=lambda: self.tenants,
            channel=self.channel if channel == "email" else None,
            teller=TELLER,
            now=self.clock,
        )

    def sender(self, channel: str = "email") -> Sender:
        waiter = Wakeup("").waiter()
        limits = SenderLimits(poll_seconds=0.2)
        attempts = self.attempts(channel)
        return Sender(channel, pool=self.pool, attempts=attempts, wakeup=waiter, now=self.clock, limits=limits)

    async def send(self) -> None:
        for channel in ("in_app", "email"):
            await self.sender(channel).flush()

    async def sweep(self) -> None:
        await Sweeper(self.pool, lambda: self.tenants, self.clock).sweep()

    async def later(self, **span: float) -> None:
        """Domain time passes, and with it what a retry or a lease waits for in real time."""
        self.now += timedelta(**span)
        await self.pool.execute("UPDATE deliveries SET retry_at = now() WHERE retry_at > now()")

    async def leases_end(self) -> None:
        await self.pool.execute(
            "UPDATE deliveries SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"
        )

    async def states(self) -> dict[str, str]:
        rows = await self.pool.fetch("SELECT channel, state, reason FROM deliveries ORDER BY channel")
        return {row["channel"]: f"{row['state']}:{row['reason']}" if row["reason"] else row["state"] for row in rows}

    async def tasks(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("SELECT kind, reason FROM coach_tasks WHERE state = 'open' ORDER BY task_id")
        return [(row["kind"], row["reason"]) for row in rows]

    async def decisions(self) -> list[tuple[str, str, str]]:
        rows = await self.pool.fetch("SELECT part, outcome, reason FROM decisions ORDER BY decision_id")
        return [(row["part"], row["outcome"], row["reason"]) for row in rows]

    async def inbox(self) -> list[str]:
        return [row["title"] for row in await self.pool.fetch("SELECT title FROM inbox ORDER BY position")]

    def set_policy(self, **changes: object) -> None:
        """Change the tenant's policy, as when another rulebook came into force."""
        tenant = self.tenants["northstar"]
        policy = Policy.model_validate({**tenant.rulebook.policy.model_dump(by_alias=True), **changes})
        rulebook = tenant.rulebook.model_copy(update={"policy": policy})
        values = {name: getattr(tenant, name) for name in tenant.__slots__}
        self.tenants["northstar"] = Tenant(**{**values, "rulebook": rulebook})


def reached(rule: str = "iron-streak", tier: str = "streak", kind: str = "streak", **changes: object) -> Milestone:
    """A milestone of Ana's, reached at noon."""
    client, threshold = changes.get("client", "ana"), changes.get("threshold", 30)
    fields: dict[str, object] = {
        "type": "milestone.reached",
        "tenant": "northstar",
        "client": client,
        "milestone_id": milestone_id(
            tenant="northstar", client=str(client), rule=rule, threshold=threshold, occurrence="once"
        ),
        "revision": 1,
        "rule": rule,
        "kind": kind,
        "name": "30-Day Iron Streak" if kind == "streak" else rule,
        "tier": tier,
        "threshold": threshold,
        "occurrence": "morning-run/2026-04-06" if kind == "streak" else "once",
        "value": threshold,
        "reached_at": NOON,
        "rulebook": "d1",
        "facts": {"title": "Morning run", "so_far": {"sessions": 21, "current_streak": 30, "longest_streak": 30}},
    }
    return Milestone(**{**fields, **changes})


def retracted(milestone: Milestone) -> Milestone:
    fields = {name: getattr(milestone, name) for name in milestone.__struct_fields__}
    return Milestone(**{**fields, "type": "milestone.retracted"})


def first_session(**changes: object) -> Milestone:
    return reached("first-session", "micro", "count", threshold=1, facts={"so_far": {"sessions": 1}}, **changes)


async def planned(practice: Practice) -> None:
    """A streak is planned, its in-app message shown, its mail waiting."""
    await practice.meet()
    await practice.hear(reached())
