"""Running processes on a real broker: rulebooks change under them."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import msgspec
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents import topics
from agents.embedded.child import Child
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import LOOPBACK, usable_port
from agents.ledger.migrate import migrate
from agents.secret_files import SecretFiles
from agents.settings import KafkaSettings
from agents.stack import CAIRN
from demo.vendors.habits import signed_webhook
from schemas.milestone import Milestone
from schemas.milestone_codec import decode_milestone
from schemas.topics import EVENTS, MILESTONES
from tests.agents.test_tenant_watch import rulebook, write
from tests.agents.test_tenants import COACHES, TENANT
from tests.conftest import Broker

PATIENCE_SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process, its tenants, its log and its broker."""

    child: Child
    tenants: Path
    log: Path
    kafka: str
    url: str

    def hang_up(self) -> None:
        """Send SIGHUP to the process itself, which runs under its guard."""
        assert self.child._guard is not None
        for process in psutil.Process(self.child._guard.pid).children():
            process.send_signal(signal.SIGHUP)

    def rejected(self, reason: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:  # noqa: S310 - a URL of this test
            text = answer.read().decode()
        (value,) = re.findall(rf'^cairn_rules_rejected{{reason="{reason}"}} (\S+)$', text, re.MULTILINE)
        return float(value)

    def until(self, reason: str, tenants: float) -> None:
        until(lambda: self.rejected(reason) == tenants, f"{tenants} rejected as {reason}\n{self.log.read_text()}")

    def in_force(self, tenant: str, version: int) -> None:
        """Wait until a rulebook is in force."""
        line = re.compile(rf'"tenant": "{tenant}", "version": {version}\b')
        until(lambda: line.search(self.log.read_text()) is not None, f"{tenant} {version}\n{self.log.read_text()}")

    async def goal(self, client: str, tenant: str = "iron") -> Milestone:
        """Send a client's first goal, and return the milestone that comes of it."""
        wire = {
            "id": f"{tenant}-{client}", "source": "test", "type": "goal.completed", "subject": client,
            "tenantid": tenant, "time": "2026-05-05T09:00:00Z", "data": {"goal_id": "g"},
        }  # fmt: skip
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka)
        consumer = AIOKafkaConsumer(
            MILESTONES,
            bootstrap_servers=self.kafka,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await producer.start()
        await consumer.start()
        key = f"{tenant}/{client}".encode()
        try:
            await producer.send_and_wait(EVENTS, key=key, value=msgspec.json.encode(wire))
            while True:
                found: Any = await consumer.getone()
                if found.key == key:
                    return decode_milestone(found.headers, found.value)
        finally:
            await consumer.stop()
            await producer.stop()


def until(true: Any, what: str) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < ends_at, f"waited for {what}"
        time.sleep(0.05)


def named(version: int, name: str) -> str:
    return rulebook(version).replace("id: goal", f"id: {name}")


@contextmanager
def running(command: str, own_kafka: Broker, folder: Path, **settings: str) -> Iterator[Running]:
    """A process of Cairn's over one tenant, until the test ends."""
    write(folder / "tenants" / "iron", tenant=TENANT, coaches=COACHES, rulebook=named(1, "first"))
    port = usable_port()
    environment = {
        **os.environ,
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap_servers,
        "CAIRN_PARTITIONS": "2",
        "CAIRN_TENANTS_DIR": str(folder / "tenants"),
        "CAIRN_SECRETS_DIR": str(folder / "secrets"),
        f"CAIRN_{command.upper()}_PROBE_PORT": str(port),
        **settings,
    }
    log, url = folder / f"{command}.log", f"http://{LOOPBACK}:{port}"
    child = Child(f"cairn {command}", (CAIRN, command), log=log, env=environment)
    child.start()
    try:
        child.wait_until(lambda: is_ready(f"{url}/readyz"), PATIENCE_SECONDS)
        yield Running(child=child, tenants=folder / "tenants", log=log, kafka=own_kafka.bootstrap_servers, url=url)
    finally:
        child.stop()


@pytest.fixture
async def provisioned(own_kafka: Broker) -> Broker:
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap_servers, partitions=2, replication_factor=1)
    await topics.apply(settings, await topics.compare(settings))
    return own_kafka


@pytest.fixture
def tracker(provisioned: EmbeddedKafka, tmp_path: Path) -> Iterator[Running]:
    with running("track", provisioned, tmp_path) as process:
        yield process


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - a URL of this test
            return bool(answer.status == 200)
    except OSError:
        return False


async def test_later_events_follow_the_new_rulebook_and_a_bad_one_changes_nothing(tracker: Running) -> None:
    first = await tracker.goal("ann")
    assert first.rule == "first"

    write(tracker.tenants / "iron", rulebook=named(2, "second").replace("micro", "mikro"))
    tracker.until("invalid", 1)
    still = await tracker.goal("bea")
    assert (still.rule, still.rulebook) == ("first", first.rulebook)

    write(tracker.tenants / "iron", rulebook=named(2, "second"))
    tracker.in_force("iron", 2)
    tracker.until("invalid", 0)
    later = await tracker.goal("cid")
    assert later.rule == "second"
    assert later.rulebook != first.rulebook

    write(tracker.tenants / "iron", rulebook=named(2, "third"))
    tracker.until("version", 1)
    assert (await tracker.goal("dan")).rule == "second"
    assert len(re.findall("rules.rejected", tracker.log.read_text())) == 2
    assert "rulebook.yaml:2:" in tracker.log.read_text()

    write(tracker.tenants / "oak", tenant=TENANT, coaches=COACHES, rulebook=named(1, "oaken"))
    tracker.in_force("oak", 1)
    assert (await tracker.goal("ann", tenant="oak")).rule == "oaken"

    write(tracker.tenants / "iron", rulebook=named(3, "third"))
    tracker.hang_up()
    tracker.in_force("iron", 3)
    assert (await tracker.goal("eve")).rule == "third"
    assert tracker.child.exit_code is None


async def test_delivery_takes_over_what_holds_up_too(provisioned: EmbeddedKafka, database: str, tmp_path: Path) -> None:
    await migrate(database)
    settings = {
        "CAIRN_DATABASE_URL": database,
        "CAIRN_PUBLIC_URL": "http://localhost:8080",
        "CAIRN_LINK_KEY": "0123456789abcdef" * 4,
        "CAIRN_SMTP_HOST": LOOPBACK,
    }
    with running("deliver", provisioned, tmp_path, **settings) as deliver:
        write(deliver.tenants / "iron", rulebook=named(2, "second").replace("micro", "mikro"))
        deliver.until("invalid", 1)
        write(deliver.tenants / "iron", rulebook=named(2, "second") + "mode: shadow\n")
        deliver.hang_up()
        deliver.in_force("iron", 2)
        deliver.until("invalid", 0)
        assert deliver.child.exit_code is None


def status(url: str, headers: Mapping[str, str], body: bytes | None = None) -> int:
    request = urllib.request.Request(url, data=body, headers=dict(headers))  # noqa: S310 - a URL of this test
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the web process answers of a tenant oak."""

    url: str
    key: str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    inbox_key: str = "k" * 32

    def answers(self) -> tuple[int, int]:
        """To a hook, and to a client who asks for their preferences."""
        data = {"client": "ana", "goal_id": "g"}
        happened = {"type": "goal.completed", "timestamp": "2026-05-05T09:00:00Z", "data": data}
        body, headers = signed_webhook(self.key, "m1", happened)
        claims = {"tenant": "oak", "sub": "ana", "aud": "cairn-inbox", "exp": int(time.time()) + 600}
        token = {"Authorization": f"Bearer {jwt.encode(claims, self.inbox_key, 'HS256')}"}
        hook = status(f"{self.url}/hooks/oak/app/a-path", headers, body)
        return hook, status(f"{self.url}/v1/preferences", token)


async def test_the_web_process_takes_over_tenants_and_secrets_too(
    provisioned: EmbeddedKafka, database: str, tmp_path: Path
) -> None:
    await migrate(database)
    port = usable_port()
    web = Web(url=f"http://{LOOPBACK}:{port}")
    settings = {
        "CAIRN_DATABASE_URL": database,
        "CAIRN_PUBLIC_URL": web.url,
        "CAIRN_HTTP_PORT": str(port),
        "CAIRN_LINK_KEY": "0123456789abcdef" * 4,
        "CAIRN_IDENTITY_KEY": "fedcba9876543210" * 4,
        "CAIRN_SPOOL_DIR": str(tmp_path / "spool"),
    }
    with running("serve", provisioned, tmp_path, **settings) as serve:
        assert web.answers() == (404, 401)
        for name, value in {"app.path": "a-path", "app.key": web.key, "inbox_key": web.inbox_key}.items():
            SecretFiles(tmp_path / "secrets").put("oak", name, value)
        app = "sources: [{kind: standard_webhooks, name: app}]"
        write(serve.tenants / "oak", tenant=TENANT.partition("sources:")[0] + app, coaches=COACHES)
        serve.hang_up()
        until(lambda: web.answers() == (202, 200), f"oak\n{serve.log.read_text()}")
        write(serve.tenants / "oak", tenant="name: nobody")
        serve.until("invalid", 1)
        assert web.answers() == (202, 200)
        (tmp_path / "secrets" / "oak" / "app.path").unlink()
        until(lambda: web.answers() == (404, 200), f"a shut door\n{serve.log.read_text()}")
        assert serve.child.exit_code is None
    assert web.key not in serve.log.read_text()
