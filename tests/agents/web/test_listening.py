"""The port does not wait for ever for what somebody may send."""

import asyncio

import pytest
from aiohttp import web

from agents.embedded.ports import LOOPBACK, usable_port
from agents.web.listening import listening

WHOLE = b"GET / HTTP/1.1\r\nHost: cairn.example\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET / HT", WHOLE, WHOLE + b"GET /"])
async def test_a_connection_that_falls_silent_is_closed(sent: bytes) -> None:
    port = usable_port()
    async with listening(web.Application(), host=LOOPBACK, port=port, idle_seconds=0.2):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(sent)
        async with asyncio.timeout(30):
            heard = await reader.read()
        writer.close()
    assert heard.count(b"HTTP/1.1 404") == sent.count(WHOLE)
