"""A person who is erased is nowhere any more: database, topics, logs and metrics are searched for them, whole."""

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from standardwebhooks.webhooks import Webhook

from agents import topics
from agents.embedded.child import Child
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import LOOPBACK, usable_port
from agents.embedded.smtp import SmtpSink
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.settings import KafkaSettings
from agents.stack import CAIRN
from agents.web.access import create_key
from agents.web.preference_links import PreferenceLinks
from schemas.topics import CLIENTS
from tests.agents.test_tenants import COACHES

PATIENCE_SECONDS = 90.0
NAME, ADDRESS, PHONE = "Zyxilla Quorndike", "zyxilla.quorndike@erased.example", "+4366099887766"
TITLE = "Row faster than grandfather vexlimoor"
PERSON = ("zyxilla", "quorndike", "4366099887766")
WORDS = (*PERSON, "vexlimoor")
"""Beside the person, the title of their goal: it stays on topics, under the pseudonym, as long as they keep records."""
HOOK_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INBOX_KEY, LINK_KEY, IDENTITY_KEY = "i" * 32, "l" * 32, "d" * 32
TENANT = """
name: Northstar Strength
timezone: UTC
sender: {from_name: Northstar, from_address: hello@northstar.example}
sources: [{kind: standard_webhooks, name: app}]
"""
RULES = """
version: 1
rules:
  - {id: first-goal, tier: micro, when: {count: goal.completed, reaches: [1]}}
  - {id: core-goal, tier: streak, when: {count: goal.completed, reaches: [2]}}
  - {id: second-session, tier: major, when: {count: session.completed, reaches: [1]}}
tiers:
  micro: {channels: [in_app], quiet: send, cap: {per_day: 5}}
  streak: {channels: [email, in_app], quiet: send}
  major: {channels: [email, gift], quiet: send}
"""


@dataclass(slots=True, kw_only=True)
class Running:
    """All processes of one practice, and what a test does with them."""

    folder: Path
    broker: str
    pool: Pool
    url: str
    probes: tuple[str, ...]
    session: aiohttp.ClientSession
    mail: SmtpSink

    async def hook(self, kind: str, key: str, **data: Any) -> None:
        client = {"id": "their-7", "name": NAME, "email": ADDRESS, "phone": PHONE}
        stamp = datetime.now(UTC)
        body = json.dumps({
            "type": kind, "timestamp": (stamp - timedelta(minutes=5)).isoformat(), "data": {"client": client, **data},
        })  # fmt: skip
        headers = {
            "webhook-id": key,
            "webhook-timestamp": str(int(stamp.timestamp())),
            "webhook-signature": Webhook(HOOK_KEY).sign(key, stamp, body),
        }
        async with self.session.post(f"{self.url}/hooks/northstar/app/a-path", data=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()

    async def produce(self, key: str, value: bytes | None) -> None:
        """Publish a profile, as a platform does, and wait until delivery has applied it."""
        producer = AIOKafkaProducer(bootstrap_servers=self.broker)
        await producer.start()
        at = await producer.send_and_wait(CLIENTS, key=key.encode(), value=value)
        await producer.stop()
        passed = (
            f"SELECT next_offset > {at.offset} FROM positions WHERE topic = '{CLIENTS}' AND partition = {at.partition}"  # noqa: S608 - numbers
        )
        await self.until(lambda: self.asked(passed), f"{key} to be applied")

    async def until(self, question: Callable[[], Awaitable[object]], what: str) -> None:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not await question():
            assert time.monotonic() < ends_at, f"waited for {what}\n{self.logs()[-4000:]}"
            await asyncio.sleep(0.1)

    async def asked(self, sql: str) -> Any:
        return await self.pool.fetchval(sql)

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def metrics(self) -> str:
        def read(url: str) -> str:
            with urllib.request.urlopen(f"{url}/metrics") as answer:  # noqa: S310 - a URL of this test
                return str(answer.read().decode())

        return "\n".join(map(read, self.probes))

    async def database(self) -> str:
        """Every column of every table, as text."""
        columns = await self.pool.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY table_name, column_name"
        )
        found = []
        for table, column, kind in columns:
            text = f"encode({column!r}, 'escape')" if kind == "bytea" else f"{column!r}::text"
            text = text.replace("'" + column + "'", f'"{column}"')
            rows = await self.pool.fetch(f'SELECT {text} FROM "{table}"')  # noqa: S608 - names of the catalogue
            found += [f"{table}.{column}: {row[0]}" for row in rows]
        assert len(columns) > 100
        return "\n".join(found)

    async def records(self) -> list[ConsumerRecord]:
        """Every record of every topic, those of open and aborted transactions as well."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker, auto_offset_reset="earliest")
        await consumer.start()
        try:
            names = sorted(name for name in await consumer.topics() if not name.startswith("__"))
            consumer.subscribe(names)
            await consumer.getmany(timeout_ms=500)
            ends = await consumer.end_offsets(consumer.assignment())
            await consumer.seek_to_beginning()
            found: list[ConsumerRecord] = []
            ends_at = time.monotonic() + PATIENCE_SECONDS
            while any([await consumer.position(part) < end for part, end in ends.items()]):
                for some in (await consumer.getmany(timeout_ms=500)).values():
                    found += some
                assert time.monotonic() < ends_at, "the topics could not be read to their ends"
            return found
        finally:
            await consumer.stop()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker of this module's own: every topic of it is read whole."""
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
async def running(kafka: EmbeddedKafka, database: str, smtp_sink: SmtpSink, tmp_path: Path) -> AsyncIterator[Running]:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers, partitions=2, replication_factor=1)
    await topics.apply(settings, tuple(await topics.compare(settings)))
    await migrate(database)
    write_practice(tmp_path)
    names = ("track", "deliver", "serve")
    ports = {name: usable_port() for name in (*names, "http")}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")},
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "CAIRN_PARTITIONS": "2",
        "CAIRN_REPLICATION_FACTOR": "1",
        "CAIRN_DATABASE_URL": database,
        "CAIRN_TENANTS_DIR": str(tmp_path / "tenants"),
        "CAIRN_SECRETS_DIR": str(tmp_path / "secrets"),
        "CAIRN_SPOOL_DIR": str(tmp_path / "spool"),
        "CAIRN_SMTP_HOST": smtp_sink.host,
        "CAIRN_SMTP_PORT": str(smtp_sink.port),
        "CAIRN_SMTP_TLS": "off",
        "CAIRN_LINK_KEY": LINK_KEY,
        "CAIRN_IDENTITY_KEY": IDENTITY_KEY,
        "CAIRN_LOG_LEVEL": "DEBUG",
        "CAIRN_PUBLIC_URL": f"http://{LOOPBACK}:{ports['http']}",
        "CAIRN_HTTP_PORT": str(ports["http"]),
        **{f"CAIRN_{name.upper()}_PROBE_PORT": str(ports[name]) for name in names},
    }
    pool = await connect(database, max_connections=3)
    with ExitStack() as stack:
        children = []
        for name in names:
            child = Child(f"cairn {name}", (CAIRN, name), log=tmp_path / f"{name}.log", env=environment)
            stack.callback(child.stop)
            child.start()
            children.append(child)
        for name, child in zip(names, children, strict=True):
            url = f"http://{LOOPBACK}:{ports[name]}/readyz"
            await asyncio.to_thread(child.wait_until, lambda url=url: is_ready(url), PATIENCE_SECONDS)
        async with aiohttp.ClientSession() as session:
            yield Running(
                folder=tmp_path,
                broker=kafka.bootstrap_servers,
                pool=pool,
                url=environment["CAIRN_PUBLIC_URL"],
                probes=tuple(f"http://{LOOPBACK}:{ports[name]}" for name in names),
                session=session,
                mail=smtp_sink,
            )
    await pool.close()


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - a URL of this test
            return bool(answer.status == 200)
    except OSError:
        return False


def write_practice(folder: Path) -> None:
    files = {
        "tenants/northstar/tenant.yaml": TENANT,
        "tenants/northstar/coaches.yaml": COACHES,
        "tenants/northstar/rulebook.yaml": RULES,
        "secrets/northstar/app.path": "a-path",
        "secrets/northstar/app.key": HOOK_KEY,
        "secrets/northstar/inbox_key": INBOX_KEY,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def holds_person(text: str | bytes | None, words: tuple[str, ...] = PERSON) -> bool:
    raw = text.encode() if isinstance(text, str) else text or b""
    return any(word.encode() in raw.lower() for word in words)


def told_of(records: list[ConsumerRecord]) -> list[str]:
    """The topics of which a reader still gets the person: of a compacted one the last record of each key counts."""
    last = {(record.topic, record.partition, record.key): record.offset for record in records}
    return [
        record.topic
        for record in records
        if record.topic != CLIENTS or last[record.topic, record.partition, record.key] == record.offset
        if any(map(holds_person, (record.key, record.value, *(part for _, part in record.headers))))
    ]


async def live(practice: Running) -> str:
    """The person comes to every place that there is; returns the client's id."""
    await practice.hook("goal.completed", "m1", goal_id="g1", title=TITLE)
    await practice.hook("goal.completed", "m2", goal_id="g2", title=TITLE)
    await practice.hook("session.completed", "m3", session_id="s1", title="Coaching")
    mailed = "SELECT count(*) = 2 FROM deliveries WHERE channel = 'email' AND state = 'sent'"
    await practice.until(lambda: practice.asked(mailed), "two mails")
    await practice.until(lambda: practice.asked("SELECT count(*) > 0 FROM inbox"), "a message in the app")
    client = str(await practice.asked("SELECT client FROM clients WHERE profile IS NOT NULL"))
    claims = {"tenant": "northstar", "sub": client, "aud": "cairn-inbox", "exp": int(time.time()) + 600}
    reader = {"Authorization": f"Bearer {jwt.encode(claims, INBOX_KEY, 'HS256')}"}
    said = {"consents": {"marketing": False}, "channels": {"in_app": False}}
    async with practice.session.put(f"{practice.url}/v1/preferences", json=said, headers=reader) as answer:
        assert answer.status == 200, await answer.text()
    page = PreferenceLinks(practice.url, LINK_KEY).url(tenant="northstar", client=client)
    async with practice.session.post(page, data={"name": "story", "choice": "on"}) as answer:
        assert answer.status == 200
    admin = f"{practice.url}/v1/admin/tenants/northstar/clients/{client}"
    async with practice.session.put(
        f"{admin}/suppression", json={"reason": f"{NAME} asked for quiet"}, headers=await operator(practice)
    ) as answer:
        assert answer.status == 204
    return client


async def operator(practice: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {await create_key(practice.pool, name='ops', tenant=None)}"}


async def erase(practice: Running, client: str) -> None:
    address = f"{practice.url}/v1/admin/tenants/northstar/clients/{client}"
    async with practice.session.delete(address, headers=await operator(practice)) as answer:
        assert answer.status == 202
    erased = f"SELECT count(*) = 1 FROM clients WHERE client = '{client}' AND erased_at IS NOT NULL"  # noqa: S608 - our id
    await practice.until(lambda: practice.asked(erased), "the tombstone to arrive")


async def test_a_person_who_was_erased_is_found_nowhere_and_does_not_come_back(running: Running) -> None:
    client = await live(running)
    assert holds_person(await running.database())
    assert CLIENTS in told_of(await running.records())
    await erase(running, client)
    await search(running)

    await running.hook("goal.completed", "m4", goal_id="g3", title=TITLE)
    profile = {"name": NAME, "email": ADDRESS, "phone": PHONE}
    await running.produce(f"northstar/{client}", json.dumps(profile).encode())
    await running.produce(f"northstar/{client}", None)  # whoever publishes profiles takes back what they published
    await search(running)
    assert await running.asked("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'held', 'deferred')") == 0


async def search(practice: Running) -> None:
    """Whatever holds the person is named, with the place."""
    left = [line[:200] for line in (await practice.database()).splitlines() if holds_person(line, WORDS)]
    assert left == []
    assert told_of(await practice.records()) == []
    assert [line for line in practice.logs().splitlines() if holds_person(line)] == []
    assert not holds_person(practice.metrics())
    spooled = [path.name for path in (practice.folder / "spool").rglob("*") if path.is_file()]
    assert [name for name in spooled if holds_person((practice.folder / "spool" / name).read_bytes())] == []
