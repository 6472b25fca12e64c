"""What one delivery process gets done: milestones planned into Postgres, in-app messages, mails.

Each figure has a backlog of its own, of one kind of milestone and as many clients, whose profiles `cairn deliver`
knows when the backlog is appended at once. The time runs from that append until the effect of the last is seen: a
row that has committed, a mail that the server has accepted and the ledger recorded as sent. What is planned only is
due later, as at night; in-app messages and mails are due at once, and mails are planned within the same time.
"""

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from msgspec.structs import replace

from agents.embedded.child import Child
from agents.embedded.ports import usable_port
from agents.stack import CAIRN
from schemas.event import CourseProgressData, Event, HabitData, SessionData
from schemas.milestone import Milestone, milestone_id
from schemas.milestone_codec import encode_milestone
from schemas.rulebook import load_rulebook
from schemas.topics import CLIENTS, DELIVERY_APP_ID, MILESTONES, client_key
from streams.tracking.compiling import compile_rulebook
from streams.tracking.replay import replay
from tests.benchmarks import mail_sink, services
from tests.benchmarks import stage as stages
from tests.benchmarks.load import RULEBOOK, TENANT, Sent, event, partition_of
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.processes import cpu_seconds, cpu_seconds_of_all, process_of
from tests.benchmarks.stage import Stage

_ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.1
_STALL_SECONDS = 60.0
_SIZE = "SELECT pg_database_size(current_database())"
_POLICY = """
tiers:
  micro: {{channels: [in_app], quiet: send}}
  streak: {{channels: [email], badge: true, expires: 48h, quiet: send}}
  program: {{channels: [email, in_app], expires: 48h, quiet: hold}}
quiet_hours: {{from: "{begin:%H:%M}", to: "{end:%H:%M}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, and how its effect is counted.

    Attributes:
        name: of the figure: so many of them a second.
        size: how many milestones wait.
        rule: of the bench's rulebook; its tier decides the answer.
        counted: the query that counts what is done.
    """

    name: str
    size: int
    rule: str
    counted: str


def backlogs(share: float = 1.0) -> tuple[Backlog, ...]:
    """The three backlogs, or a share of each."""
    kinds = (
        ("planned", 60_000, "halfway", "SELECT count(*) FROM celebrations"),
        ("in_app", 60_000, "first-session", "SELECT count(*) FROM inbox"),
        ("emails", 10_000, "iron-streak", "SELECT count(*) FROM deliveries WHERE state = 'sent'"),
    )
    return tuple(
        Backlog(name=name, size=round(size * share), rule=rule, counted=counted) for name, size, rule, counted in kinds
    )


async def measure(stage: Stage, backlog: Backlog) -> dict[str, float]:
    """How much of the backlog is done a second, and the CPU time that delivery takes for each.

    Raises:
        NotMeasuredError: it was not all done in time, or the mail server saw another number of mails.
    """
    port = usable_port()
    sink = Child("mail sink", (sys.executable, "-m", mail_sink.__name__, str(port)), log=stage.folder / "mail-sink.log",
                 env={**stage.env, "PYTHONPATH": str(_ROOT)})  # fmt: skip
    sink.start()
    try:
        found = await _measure(dataclasses.replace(stage, env={**stage.env, "CAIRN_SMTP_PORT": str(port)}), backlog)
    finally:
        await asyncio.to_thread(sink.stop)
    counted = json.loads(sink.tail(1))
    mails = backlog.size if backlog.name == "emails" else 0
    if counted != {"mails": mails, "distinct": mails}:
        raise NotMeasuredError(f"the mail server accepted {counted} of {mails} mails")
    return found


async def _measure(stage: Stage, backlog: Backlog) -> dict[str, float]:
    await stages.clear(stage, groups=[DELIVERY_APP_ID])
    await empty_ledger(stage)
    write_policy(stage)
    await stages.fill(stage, _profiles(backlog.size, stage.partitions), CLIENTS)
    waiting = tuple(_milestones(backlog, stage.partitions))
    connection = await asyncpg.connect(stage.postgres)
    try:
        async with services.running(stage, "deliver") as (child,):
            process = process_of(child)
            await _until(connection, "SELECT count(*) FROM clients", backlog.size)
            bytes_before = await connection.fetchval(_SIZE)
            began_at, used, database = time.monotonic(), cpu_seconds(process), cpu_seconds_of_all("postgres")
            await stages.fill(stage, waiting, MILESTONES)
            await _until(connection, backlog.counted, backlog.size)
            seconds, used = time.monotonic() - began_at, cpu_seconds(process) - used
            database = cpu_seconds_of_all("postgres") - database
            kept = await connection.fetchval(_SIZE) - bytes_before
    finally:
        await connection.close()
    return {
        f"{backlog.name}_per_second": backlog.size / seconds,
        f"{backlog.name}_cpu_us": used / backlog.size * 1e6,
        f"{backlog.name}_postgres_cpu_us": database / backlog.size * 1e6,
        f"{backlog.name}_postgres_bytes": kept / backlog.size,
    }


async def _until(connection: asyncpg.Connection, query: str, count: int) -> None:
    """Ask until the query counts that many; as long as it goes on to count, it may take its time."""
    done, moved_at = 0, time.monotonic()
    while done < count:
        await asyncio.sleep(_LOOK_SECONDS)
        before, done = done, await connection.fetchval(query)
        moved_at = time.monotonic() if done > before else moved_at
        if time.monotonic() - moved_at > _STALL_SECONDS:
            raise NotMeasuredError(f"{done} of {count} were done when it stood still: {query}")


async def empty_ledger(stage: Stage) -> None:
    """Make the ledger's schema anew: what it holds is append-only."""
    connection = await asyncpg.connect(stage.postgres)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
    migration = await asyncio.create_subprocess_exec(CAIRN, "migrate", env=stage.env, stdout=asyncio.subprocess.DEVNULL)
    if await migration.wait():
        raise NotMeasuredError("cairn migrate failed")


def write_policy(stage: Stage) -> None:
    """Give the tenant the bench's rules, with answers that do not depend on the hour of the run."""
    now = datetime.now(UTC)
    policy = _POLICY.format(begin=now - timedelta(hours=1), end=now + timedelta(hours=6))
    path = stage.folder / "tenants" / TENANT / "rulebook.yaml"
    path.write_text(RULEBOOK.read_text() + policy)


def _profiles(count: int, partitions: int) -> Iterator[Sent]:
    for number in range(count):
        key = client_key(TENANT, _name(number))
        value = b'{"name": "Kim Sample", "email": "c%d@example.org"}' % number
        yield Sent(partition=partition_of(key, partitions), key=key, value=value)


def _milestones(backlog: Backlog, partitions: int) -> Iterator[Sent]:
    """The backlog's milestone, as the tracker decides it for one client, for each of its clients."""
    model, now = _decided(backlog.rule), datetime.now(UTC)
    for number in range(backlog.size):
        client = _name(number)
        key = client_key(TENANT, client)
        identity = milestone_id(
            tenant=TENANT, client=client, rule=model.rule, threshold=model.threshold, occurrence=model.occurrence
        )
        one = replace(model, client=client, milestone_id=identity, caused_by=f"bench-{number}", reached_at=now)
        value, _ = encode_milestone(one)
        yield Sent(partition=partition_of(key, partitions), key=key, value=value)


def _decided(rule: str) -> Milestone:
    """What the rulebook decides first by that rule, for somebody who does everything for a fortnight until now."""
    plan = compile_rulebook(load_rulebook(RULEBOOK.read_text(), str(RULEBOOK)))
    days = [datetime.now(UTC) - timedelta(days=13 - day) for day in range(14)]
    said = [
        event(f"model-{number}-{kind}", _name(0), day, data)
        for number, day in enumerate(days)
        for kind, data in enumerate((SessionData(session_id=f"s{number}"), HabitData(habit_id="morning-walk")))
    ]
    course = CourseProgressData(course_id="nutrition", percent=50)
    said.append(Event(id="course", source="bench", type="course.progressed", tenant=TENANT, client=_name(0),
                      occurred_at=days[-1], data=course))  # fmt: skip
    found = replay(enumerate(said), plan, profiles={})
    return next(one for one in found if isinstance(one, Milestone) and one.rule == rule)


def _name(number: int) -> str:
    return f"d{number:06}"
