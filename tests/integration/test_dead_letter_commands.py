"""`cairn dlq` over both kinds of dead letters, beside a delivery that runs, on real servers."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientError, ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.embedded.child import Child
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import usable_port
from agents.embedded.smtp import SmtpSink
from agents.engine.dead_letters import PREFIX
from agents.ledger.migrate import migrate
from schemas.milestone_codec import encode_milestone
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, MILESTONES, client_key
from tests.integration.commands import CAIRN, cairn, write_tenant
from tests.integration.ledger.ledger_practice import NOON, first_session

ANA = client_key("northstar", "ana")
RECORDS = (
    (DEAD_LETTERS, b"\x00", {"topic": EVENTS, "reason": "not_json", "detail": "at byte 0"}),
    (CLIENTS, b'{"email": "ana@clients.example", "timezone": 7}', {}),
    (MILESTONES, encode_milestone(first_session())[0], {}),
)


class Stage:
    """A delivery that can be started anew, and what it left."""

    def __init__(self, settings: dict[str, str], folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    @contextmanager
    def delivery(self) -> Iterator[None]:
        child = Child("cairn deliver", (CAIRN, "deliver"), log=self.folder / "deliver.log", env=self.settings)
        try:
            child.start()
            yield
        finally:
            child.stop()

    async def until(self, question: str, answer: int) -> None:
        connection = await asyncpg.connect(self.settings["CAIRN_DATABASE_URL"])
        try:
            async with asyncio.timeout(60):
                while await connection.fetchval(question) != answer:  # noqa: ASYNC110 - the database gives no event
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def produce(self) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.settings["CAIRN_KAFKA_BOOTSTRAP_SERVERS"]) as producer:
            for topic, value, why in RECORDS:
                headers = [(PREFIX + name, text.encode()) for name, text in why.items()]
                await producer.send_and_wait(topic, value, ANA, partition=0, headers=headers)

    async def parked_by_metrics(self) -> list[str]:
        """The gauge's samples, once the process has asked the ledger."""
        address = f"http://127.0.0.1:{self.settings['CAIRN_DELIVER_PROBE_PORT']}/metrics"
        async with asyncio.timeout(60), ClientSession() as session:
            while True:
                with suppress(ClientError):
                    async with session.get(address) as response:
                        lines = (await response.text()).splitlines()
                    samples = [line for line in lines if line.startswith("cairn_parked_records{")]
                    if any(not line.endswith(" 0.0") for line in samples):
                        return samples
                await asyncio.sleep(0.1)

    async def end_of(self, topic: str) -> int:
        place = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=self.settings["CAIRN_KAFKA_BOOTSTRAP_SERVERS"]) as consumer:
            return (await consumer.end_offsets([place]))[place]


@pytest.fixture
async def stage(database: str, smtp_sink: SmtpSink, tmp_path: Path) -> AsyncIterator[Stage]:
    broker = EmbeddedKafka(tmp_path / "kafka")
    try:
        broker.start()
        await migrate(database)
        settings = {
            "CAIRN_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "CAIRN_PARTITIONS": "1",
            "CAIRN_REPLICATION_FACTOR": "1",
            "CAIRN_MIN_INSYNC_REPLICAS": "1",
            "CAIRN_DATABASE_URL": database,
            "CAIRN_TENANTS_DIR": str(write_tenant(tmp_path / "tenants", "another")),
            "CAIRN_SECRETS_DIR": str(tmp_path / "secrets"),
            "CAIRN_LINK_KEY": "k" * 32,
            "CAIRN_PUBLIC_URL": "https://cairn.example",
            "CAIRN_SMTP_HOST": smtp_sink.host,
            "CAIRN_SMTP_PORT": str(smtp_sink.port),
            "CAIRN_SMTP_TLS": "off",
            "CAIRN_CLOCK_ORIGIN": NOON.isoformat(),
            "CAIRN_CLOCK_START": datetime.now(UTC).isoformat(),
            "CAIRN_DELIVER_PROBE_PORT": str(usable_port()),
        }
        assert (await cairn("topics", "apply", settings=settings)).status == 0
        yield Stage(settings, tmp_path)
    finally:
        broker.stop()


async def look(settings: Mapping[str, str]) -> None:
    """Both kinds stand in one table, and each can be shown."""
    listed = (await cairn("dlq", "list", settings=settings)).out
    assert "3 dead letters" in listed
    for row in (
        f"dead-letters/0/0 northstar Kafka {EVENTS}",
        f"clients/0/0 northstar ledger {CLIENTS}",
        f"milestones/0/0 northstar ledger {MILESTONES}",
        f"1 ledger {MILESTONES} unknown_tenant",
    ):
        assert row in listed
    shown = await cairn("dlq", "show", "milestones/0/0", settings=settings)
    assert RECORDS[2][1].decode() in shown.out
    profile = await cairn("dlq", "show", "clients/0/0", settings=settings)
    assert "wrong_profile" in profile.out
    assert "clients.example" not in profile.out
    assert (await cairn("dlq", "show", "milestones/0/1", settings=settings)).status == 1


async def ask_for_what_is_not_there(settings: Mapping[str, str]) -> None:
    """Whoever mistypes learns it, with what there is."""
    reasons = "for this reason. Reasons: not_json, unknown_tenant, wrong_profile."
    for words, told in (
        (("list", "--reason", "typo"), reasons),
        (("replay", "--reason", "typo"), reasons),
        (("replay", "--yes", "--tenant", "northstar", "--reason", "typo"), reasons),
        (("list", "--tenant", "typo"), "of this tenant. Tenants: northstar."),
        (("replay", "--tenant", "typo", "--reason", "not_json"), "of this tenant. Tenants: northstar."),
    ):
        answer = await cairn("dlq", *words, settings=settings)
        assert (answer.status, answer.out) == (1, "")
        assert told in answer.err


async def test_both_kinds_are_listed_shown_and_replayed_and_nothing_goes_out_twice(stage: Stage) -> None:
    settings = stage.settings
    await stage.produce()
    with stage.delivery():
        await stage.until("SELECT count(*) FROM refused_records", 2)
    await look(settings)
    await ask_for_what_is_not_there(settings)

    examined = (await cairn("doctor", settings=settings)).out
    assert f"warning parked records 1 wrong_profile of {CLIENTS}, 1 unknown_tenant of {MILESTONES}" in examined

    write_tenant(stage.folder / "tenants")
    dry = await cairn("dlq", "replay", "--tenant", "northstar", settings=settings)
    assert "Nothing was done: --yes replays these 3" in dry.out
    with stage.delivery():
        assert await stage.parked_by_metrics() == [
            f'cairn_parked_records{{topic="{CLIENTS}"}} 1.0',
            f'cairn_parked_records{{topic="{MILESTONES}"}} 1.0',
        ]
        done = await cairn("dlq", "replay", "--yes", settings=settings)
        assert "1 put back. 2 asked for" in done.out
        await stage.until("SELECT count(*) FROM inbox", 1)
        await stage.until("SELECT count(*) FROM refused_records WHERE replay_asked_at IS NULL", 1)
        again = ("dlq", "replay", "--yes", "--reason")
        assert "1 asked for" in (await cairn(*again, "wrong_profile", settings=settings)).out
        assert (await cairn(*again, "unknown_tenant", settings=settings)).status == 1, "it was applied"
        await stage.until("SELECT count(*) FROM refused_records WHERE replay_asked_at IS NULL", 1)
    await stage.until("SELECT count(*) FROM decisions", 1)
    assert [await stage.end_of(topic) for topic in (MILESTONES, CLIENTS, EVENTS)] == [1, 1, 1]
