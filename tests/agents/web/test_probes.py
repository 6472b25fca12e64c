import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import CollectorRegistry, Counter

from agents.web.probes import Remark, probes_app

Client: TypeAlias = TestClient[Request, Application]


class Checked:
    """A check that says what the test wants."""

    reason: str | None = None
    hangs = False

    async def __call__(self) -> str | None:
        if self.hangs:
            await asyncio.Event().wait()
        return self.reason


@pytest.fixture
def alive() -> Checked:
    return Checked()


@pytest.fixture
def kafka() -> Checked:
    return Checked()


@pytest.fixture
async def client(alive: Checked, kafka: Checked) -> AsyncIterator[Client]:
    registry = CollectorRegistry()
    Counter("cairn_tests", "Tests.", registry=registry).inc()
    app = probes_app(live={"loop": alive}, ready={"kafka": kafka}, registry=registry, check_seconds=0.2)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_all_is_well(client: Client) -> None:
    for path in ("/livez", "/readyz"):
        response = await client.get(path)
        assert response.status == 200
        assert (await response.json())["status"] == "ok"


async def test_an_outage_of_a_dependency_makes_unready_and_kills_nobody(client: Client, kafka: Checked) -> None:
    kafka.reason = "the broker has not answered lately"
    assert (await client.get("/livez")).status == 200
    response = await client.get("/readyz")
    assert response.status == 503
    assert await response.json() == {"status": "failing", "checks": {"kafka": kafka.reason}}


async def test_a_remark_is_shown_and_leaves_the_process_ready(client: Client, kafka: Checked) -> None:
    kafka.reason = Remark("the broker has not answered lately")
    response = await client.get("/readyz")
    assert response.status == 200
    assert await response.json() == {"status": "ok", "checks": {"kafka": kafka.reason}}


async def test_a_check_that_hangs_is_a_failing_check(client: Client, kafka: Checked) -> None:
    kafka.hangs = True
    response = await client.get("/readyz")
    assert response.status == 503
    assert "no answer" in (await response.json())["checks"]["kafka"]


async def test_metrics_are_text_for_prometheus(client: Client) -> None:
    response = await client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "cairn_tests_total 1.0" in await response.text()
