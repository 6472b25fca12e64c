"""Real servers for every test that needs one: started once a session, or given by the environment.

`python -m agents.embedded` keeps a broker and a database running and prints CAIRN_TEST_KAFKA and
CAIRN_TEST_POSTGRES.
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.postgres import EmbeddedPostgres
from agents.embedded.smtp import SmtpSink

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and a console keeps the width that it finds when it is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running Kafka, shared by the whole session: name topics and groups uniquely."""

    bootstrap_servers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A running PostgreSQL, shared by the whole session: take `database` for a database of your own."""

    dsn: str


@contextmanager
def _running(folder: Path) -> Iterator[Broker]:
    broker = EmbeddedKafka(folder)
    try:
        broker.start()
        yield Broker(bootstrap_servers=broker.bootstrap_servers)
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if given := os.environ.get("CAIRN_TEST_KAFKA"):
        yield Broker(bootstrap_servers=given)
        return
    with _running(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of the module's own: for topics and groups whose names are fixed."""
    with _running(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    if given := os.environ.get("CAIRN_TEST_POSTGRES"):
        yield DatabaseServer(dsn=given)
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    try:
        server.start()
        yield DatabaseServer(dsn=server.dsn)
    finally:
        server.stop()


@pytest.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[str]:
    """The DSN of an empty database that is gone after the test."""
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres.dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(postgres.dsn)._replace(path=f"/{name}").geturl()
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def smtp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpSink]:
    sink = SmtpSink(tmp_path_factory.mktemp("mail"))
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()


@pytest.fixture
def smtp_sink(smtp_server: SmtpSink) -> SmtpSink:
    """The session's mail sink, empty."""
    smtp_server.clear()
    return smtp_server
