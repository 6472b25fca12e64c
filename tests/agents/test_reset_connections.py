"""A regression test for uvloop's RuntimeError on a connection that was reset, which aiokafka passes on as it is."""

import asyncio

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from agents import reset_connections
from tests.conftest import Broker


async def _connected(kafka: Broker) -> AIOKafkaConnection:
    host, port = kafka.bootstrap_servers.split(":")
    return await create_conn(host, int(port))


async def _reset(*connections: AIOKafkaConnection) -> None:
    """As the other side does it; the transport knows, and aiokafka's reader has not heard of it yet."""
    for connection in connections:
        connection._writer.transport.abort()
    await asyncio.sleep(0)


def test_a_request_on_a_connection_that_was_reset_is_a_connection_error(kafka: Broker) -> None:
    reset_connections.install()

    async def ask() -> None:
        connection = await _connected(kafka)
        await _reset(connection)
        with pytest.raises(KafkaConnectionError, match="was reset"):
            connection.send(MetadataRequest([]))
        assert not connection.connected()

    uvloop.run(ask())


def test_another_error_of_a_request_stays_what_it_is(kafka: Broker) -> None:
    reset_connections.install()

    class Broken:
        def prepare(self, _versions: object) -> None:
            raise RuntimeError("a bug")

    async def ask() -> None:
        connection = await _connected(kafka)
        with pytest.raises(RuntimeError, match="a bug"):
            connection.send(Broken())
        assert connection.connected()
        connection.close()

    uvloop.run(ask())
