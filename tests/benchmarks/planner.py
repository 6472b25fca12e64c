"""The planner by itself: `python -m tests.benchmarks.planner`.

It prints how many milestones `plan` decides in a second of one core's time, for each tier, and what planning through
Postgres costs for clients with ten and with ten thousand past celebrations, in turn on one server. It must never time
a plan that decides nothing: what each comes to is printed with it.
"""

import asyncio
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.celebrator import Celebrator
from agents.channels.render import Renderer
from agents.embedded.postgres import EmbeddedPostgres
from agents.engine.logic import Record
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.message_links import MessageLinks
from agents.telling import Teller
from schemas.milestone import Milestone, milestone_id
from schemas.milestone_codec import encode_milestone
from schemas.topics import client_key
from streams.planning.history import Past
from streams.planning.plan import plan
from tests.sample_milestones import tenant
from tests.streams.planning.planning_cases import NOON, client, consent, policy, won

_TIERS = ("micro", "streak", "program", "major", "nudge")
_PLANS = 5_000
_ROUNDS = 30
_CLIENTS = 20
_PASTS = (10, 10_000)
_PAST = """
WITH m AS (
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    SELECT md5($1 || '/' || n), 1, false, 'northstar', $1, 'past', 'streak',
           $3::timestamptz - n * interval '1 hour', '{}', now()
    FROM generate_series(1, $2) AS n RETURNING milestone_id, reached_at
)
INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome, moment,
                          planned_at, due_at, expires_at, celebrated_at, heard_at)
SELECT 'c' || milestone_id, milestone_id, 1, 'northstar', $1, 'past', 'streak', 'live', 'send', 'past/' || milestone_id,
       reached_at - interval '30 days', reached_at - interval '30 days', reached_at - interval '28 days',
       reached_at - interval '30 days', now()
FROM m
"""


def main() -> int:
    """Measure and print."""
    for tier, rate, outcome in pure_rates():
        sys.stdout.write(f"plan, {tier:8} {rate:10,.0f} milestones/s   ({outcome})\n")
    few, many = asyncio.run(_costs())
    sys.stdout.write(f"through Postgres, {_CLIENTS} clients a batch: {few:.2f} ms with {_PASTS[0]} past celebrations, ")
    sys.stdout.write(f"{many:.2f} ms with {_PASTS[1]:,}: {many / few:.2f} times\n")
    return 0


def pure_rates() -> list[tuple[str, float, str]]:
    """Tier, milestones a second, and what the plan comes to."""
    rates = []
    who, rules = client(timezone="Europe/Vienna", **consent("marketing")), policy()
    past = tuple(
        Past(milestone_id=str(day), tier="streak", at=NOON - timedelta(days=day), moment=None, counts=True)
        for day in range(3)
    )
    for tier in _TIERS:
        reached = won(tier)

        def decide(reached: Milestone = reached) -> str:
            return plan(reached, client=who, policy=rules, history=past, now=NOON).outcome

        seconds = min(timeit.repeat(decide, number=_PLANS, repeat=5, timer=time.process_time))
        rates.append((tier, _PLANS / seconds, decide()))
    return rates


async def _costs() -> tuple[float, float]:
    """Milliseconds for a batch of clients with few and with many past celebrations: medians of rounds in turn."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        await asyncio.to_thread(server.start)
        try:
            await migrate(server.dsn)
            pool = await connect(server.dsn, max_connections=2)
            try:
                return await _measured(pool, Path(folder))
            finally:
                await pool.close()
        finally:
            await asyncio.to_thread(server.stop)


async def _measured(pool: Pool, folder: Path) -> tuple[float, float]:
    now = datetime.now(UTC)
    names = {past: [f"{past}-{number}" for number in range(_CLIENTS)] for past in _PASTS}
    for past, clients in names.items():
        for each in clients:
            await pool.execute(_PAST, each, past, now)
    await pool.execute("ANALYZE")
    teller = Teller(Renderer(), MessageLinks("https://cairn.example", "k" * 32))
    celebrator = Celebrator(lambda: {"northstar": tenant(folder)}, teller, lambda: now)
    took: dict[int, list[float]] = {past: [] for past in _PASTS}
    for number in range(_ROUNDS):
        for past, clients in names.items():
            took[past].append(await _batch(pool, celebrator, clients, number, now))
    few, many = (statistics.median(took[past]) for past in _PASTS)
    return few * 1000, many * 1000


async def _batch(pool: Pool, celebrator: Celebrator, clients: Sequence[str], number: int, now: datetime) -> float:
    records = [_record(each, number, now) for each in clients]
    started = timeit.default_timer()
    async with pool.acquire() as connection, connection.transaction():
        await celebrator.write(connection, records)
    return timeit.default_timer() - started


def _record(who: str, number: int, now: datetime) -> Record:
    own = milestone_id(tenant="northstar", client=who, rule="a-rule", threshold=number, occurrence="once")
    reached = won(
        "streak", client=who, milestone_id=own, reached_at=now, threshold=30, kind="streak", occurrence="run/2026-04-06"
    )
    value, headers = encode_milestone(reached)
    return _Read(key=client_key("northstar", who), value=value, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A record as the engine hands it on."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    offset: int = 0
    timestamp: int = 0
    timestamp_type: int | None = 1


if __name__ == "__main__":
    sys.exit(main())
