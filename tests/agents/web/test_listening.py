"""The port does not wait for ever for what somebody may send, nor call it an error of ours."""

import asyncio
import logging

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

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


async def _heard(sent: bytes) -> bytes:
    """The answer to these bytes of a port whose one page reads a body, as hooks do, and one whose page fails."""

    async def reads(request: web.Request) -> web.Response:
        try:
            return web.Response(body=await request.content.read())
        except (HttpProcessingError, web.RequestPayloadError):
            return web.Response(status=400)

    async def fails(_: web.Request) -> web.Response:
        raise KeyError

    app = web.Application()
    app.add_routes([web.post("/", reads), web.get("/fails", fails)])
    port = usable_port()
    async with listening(app, host=LOOPBACK, port=port, idle_seconds=0.5):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(sent)
        async with asyncio.timeout(30):
            heard = await reader.read()
        writer.close()
    return heard


@pytest.mark.parametrize(
    "sent",
    [
        b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        WHOLE + b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nno gzip..",
    ],
)
async def test_a_request_that_cannot_be_parsed_is_no_error_of_ours(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    heard = await _heard(sent)
    assert b" 400 " in heard
    assert [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info] == []


async def test_a_page_that_fails_is_an_error_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    assert b"HTTP/1.1 500" in await _heard(b"GET /fails HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    (record,) = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert record.levelno == logging.ERROR
    assert record.exc_info
