"""A practice with all of its processes on a real broker, database and mail sink, and ways to look into each."""

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from standardwebhooks.webhooks import Webhook

from agents import topics
from agents.embedded.child import Child
from agents.embedded.ports import LOOPBACK, usable_port
from agents.embedded.smtp import SmtpSink
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.settings import KafkaSettings
from agents.stack import CAIRN
from schemas.topics import CLIENTS
from tests.agents.test_tenants import COACHES

PATIENCE_SECONDS = 90.0
PROCESSES = ("track", "deliver", "serve")
NAME, ADDRESS, PHONE = "Zyxilla Quorndike", "zyxilla.quorndike@erased.example", "+4366099887766"
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


@asynccontextmanager
async def all_running(broker: str, dsn: str, mail: SmtpSink, folder: Path) -> AsyncIterator[Running]:
    """The practice with its processes, from ready to stopped."""
    settings = KafkaSettings(kafka_bootstrap_servers=broker, partitions=2, replication_factor=1)
    await topics.apply(settings, tuple(await topics.compare(settings)))
    await migrate(dsn)
    write_practice(folder)
    ports = {name: usable_port() for name in (*PROCESSES, "http")}
    environment = environment_of(broker, dsn, mail, folder, ports)
    probes = {name: f"http://{LOOPBACK}:{ports[name]}" for name in PROCESSES}
    pool = await connect(dsn, max_connections=3)
    with ExitStack() as stack:
        children = [
            Child(f"cairn {name}", (CAIRN, name), log=folder / f"{name}.log", env=environment) for name in PROCESSES
        ]
        for child in children:
            stack.callback(child.stop)
            child.start()
        for child, probe in zip(children, probes.values(), strict=True):
            await asyncio.to_thread(child.wait_until, lambda url=probe: is_ready(f"{url}/readyz"), PATIENCE_SECONDS)
        async with aiohttp.ClientSession() as session:
            yield Running(
                folder=folder,
                broker=broker,
                pool=pool,
                url=environment["CAIRN_PUBLIC_URL"],
                probes=tuple(probes.values()),
                session=session,
            )
    await pool.close()


def environment_of(broker: str, dsn: str, mail: SmtpSink, folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")},
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": broker,
        "CAIRN_PARTITIONS": "2",
        "CAIRN_REPLICATION_FACTOR": "1",
        "CAIRN_DATABASE_URL": dsn,
        "CAIRN_TENANTS_DIR": str(folder / "tenants"),
        "CAIRN_SECRETS_DIR": str(folder / "secrets"),
        "CAIRN_SPOOL_DIR": str(folder / "spool"),
        "CAIRN_SMTP_HOST": mail.host,
        "CAIRN_SMTP_PORT": str(mail.port),
        "CAIRN_SMTP_TLS": "off",
        "CAIRN_LINK_KEY": LINK_KEY,
        "CAIRN_IDENTITY_KEY": IDENTITY_KEY,
        "CAIRN_LOG_LEVEL": "DEBUG",
        "CAIRN_PUBLIC_URL": f"http://{LOOPBACK}:{ports['http']}",
        "CAIRN_HTTP_PORT": str(ports["http"]),
        **{f"CAIRN_{name.upper()}_PROBE_PORT": str(ports[name]) for name in PROCESSES},
    }


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
