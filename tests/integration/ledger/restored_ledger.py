"""A ledger and its backup, which is a real copy of the database, and what is heard and sent on either."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from agents.embedded.smtp import SmtpSink
from agents.ledger.pool import connect
from schemas.brake import Recovery
from schemas.celebration import celebration_id, delivery_id
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone, heard_header
from schemas.topics import MILESTONES, client_key
from tests.integration.ledger.ledger_practice import FakeRecord, Practice, reached
from tests.integration.ledger.test_a_real_mail import sender_to
from tests.sample_milestones import tenant

NOW = datetime.now(UTC)
LOST_AT = NOW - timedelta(hours=1)
LONG_AGO, BEFORE, AFTER = (NOW - timedelta(minutes=minutes) for minutes in (180, 120, 30))
LOSS = Recovery(lost_at=LOST_AT, reason="the disk broke")


class Restored:
    """A database, its backup, and a practice on whichever is in use."""

    def __init__(self, server: str, original: str, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.original = original
        self.backup = urlsplit(original)._replace(path=f"/backup_{uuid.uuid4().hex}").geturl()

    async def back_up(self) -> None:
        await self.execute(f'CREATE DATABASE "{_name(self.backup)}" TEMPLATE "{_name(self.original)}"')

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server)
        await connection.execute(statement)
        await connection.close()

    async def throw_away(self) -> None:
        await self.execute(f'DROP DATABASE IF EXISTS "{_name(self.backup)}" WITH (FORCE)')

    @asynccontextmanager
    async def practice(self, dsn: str, **policy: object) -> AsyncIterator[Practice]:
        pool = await connect(dsn)
        made = Practice(pool=pool, tenants={"northstar": tenant(self._folder)}, now=NOW)
        made.set_policy(quiet_hours={"from": "12:00", "to": "12:00"}, **policy)
        await made.claim()
        try:
            yield made
        finally:
            await pool.close()


def _name(dsn: str) -> str:
    return urlsplit(dsn).path[1:]


def streak(client: str, **changes: object) -> Milestone:
    return reached(client=client, reached_at=NOW, **changes)


async def hear(practice: Practice, *heard: tuple[Milestone, datetime]) -> None:
    """Records as the tracker writes them: each says when the event that caused it was heard."""
    batch = practice.batch(MILESTONES, *((b"", b"") for _ in heard))
    records = tuple(
        FakeRecord(
            offset=batch.start + number,
            key=client_key(one.tenant, one.client),
            value=encode_milestone(one)[0],
            timestamp=int(at.timestamp() * 1000),
            headers=(heard_header(int(at.timestamp() * 1000)),),
        )
        for number, (one, at) in enumerate(heard)
    )
    await practice.apply(type(batch)(topic=MILESTONES, partition=0, start=batch.start, end=batch.end, records=records))


async def deliver(practice: Practice, sink: SmtpSink) -> list[str]:
    """Sweep and send all that goes; returns who has got a mail by now."""
    await practice.sweep()
    await practice.sender("in_app").flush()
    await sender_to(practice, sink).flush()
    await practice.sweep()
    return [mail.recipients[0].partition("@")[0] for mail in sink.mails]


async def states_of(practice: Practice, client: str) -> dict[str, str]:
    found = await practice.pool.fetch("SELECT channel, state, reason FROM deliveries WHERE client = $1", client)
    return {row["channel"]: f"{row['state']}:{row['reason']}" if row["reason"] else row["state"] for row in found}


def mail_of(milestone: Milestone) -> str:
    return delivery_id(celebration_id(milestone.milestone_id), "email")
