"""The public port: which doors it has, and when hooks are sent to it."""

from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agents.embedded.ports import usable_port
from agents.intake.outgoing import Outgoing
from agents.intake.producer import Producer
from agents.intake.spool import Spool
from agents.serve import public_app, readiness
from agents.settings import ServeSettings
from agents.web.probes import probes_app
from tests.sample_milestones import tenant


def test_the_public_port_has_the_page_for_coaches_and_their_approvals(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "kafka_bootstrap_servers": "kafka:9092",
        "partitions": 8,
        "database_url": "postgresql://postgres/cairn",
        "tenants_dir": tmp_path,
        "secrets_dir": tmp_path,
        "public_url": "https://cairn.example",
        "link_key": "l" * 32,
        "identity_key": "i" * 32,
        "spool_dir": tmp_path,
    }
    nobody: Any = SimpleNamespace(
        routes=(), admission=SimpleNamespace(erase=None, restate=None), producer=SimpleNamespace(deliver=None)
    )
    uptake: Any = SimpleNamespace(tenants=lambda: {"northstar": tenant(tmp_path)}, secrets=lambda *_: ())
    app = public_app(ServeSettings(**fields), uptake, nobody, nobody)
    doors = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    one = "/v1/admin/tenants/{tenant}/approvals/{id}"
    assert {("GET", "/a/{token}"), ("POST", "/a/{token}"), ("GET", one), ("POST", f"{one}/approve")} <= doors


async def test_without_kafka_it_is_ready_until_the_spool_is_full_and_says_where_records_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=200_000)
    producer = Producer({"bootstrap_servers": f"127.0.0.1:{usable_port()}"}, spool)
    state: dict[str, Any] = {}

    async def ask() -> tuple[int, dict[str, str]]:
        async with client.get("/readyz") as answer:
            return answer.status, (await answer.json())["checks"]

    async with TestClient(TestServer(probes_app(live={}, ready=readiness(state)))) as client:
        assert (await ask())[0] == 503, "its database is not there"
        state["intake"] = SimpleNamespace(producer=producer)
        await producer.open()
        record = Outgoing(topic="t", key=b"k", value=b"x" * 50_000)
        await producer.deliver([record])
        status, checks = await ask()
        assert (status, checks["database"]) == (200, "ok")
        assert checks["kafka"].startswith("Kafka is away: records go to the spool, which has 50")
        for _ in range(2):
            await producer.deliver([record])
        assert await ask() == (
            503,
            {"database": "ok", "kafka": "Kafka is away, and the spool is full or its disk refuses"},
        )
        producer.close()


async def test_a_disk_that_refuses_takes_no_hooks_without_kafka_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, max_bytes=200_000)
    producer = Producer({"bootstrap_servers": f"127.0.0.1:{usable_port()}"}, spool)
    await producer.open()
    assert producer.can_take
    producer.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await producer.deliver([Outgoing(topic="t", key=b"k", value=b"x")])
    assert not producer.can_take
    now = monotonic()
    monkeypatch.setattr("agents.intake.spool.monotonic", lambda: now + 31)
    assert producer.can_take, "whom nobody sends hooks any more could not find out"
