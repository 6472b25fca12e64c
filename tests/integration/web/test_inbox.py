import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.pool import Pool

Client: TypeAlias = TestClient[Request, Application]
Put: TypeAlias = Callable[[str, str], Awaitable[None]]
Reader: TypeAlias = Callable[[str], dict[str, str]]
ORIGIN = "https://app.northstar.example"


async def test_a_client_reads_their_own_items_newest_first(client: Client, put_item: Put, reader: Reader) -> None:
    for item in ("first", "second"):
        await put_item(item, "ana")
    await put_item("foreign", "ben")
    response = await client.get("/v1/inbox", headers=reader("ana"))
    body = await response.json()
    assert response.status == 200
    assert [item["id"] for item in body["items"]] == ["second", "first"]
    assert set(body["items"][0]) == {"id", "tier", "title", "text", "html", "created_at", "read_at"}
    assert body["items"][0]["created_at"].endswith("Z")
    assert (body["unread"], body["next"]) == (2, None)
    assert response.headers["Cache-Control"] == "no-store"


async def test_pages_follow_each_other_without_gap_or_repetition(client: Client, put_item: Put, reader: Reader) -> None:
    for number in range(5):
        await put_item(f"item-{number}", "ana")
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        after = f"&after={following}" if following else ""
        body = await (await client.get(f"/v1/inbox?limit=2{after}", headers=reader("ana"))).json()
        seen += [item["id"] for item in body["items"]]
        following = body["next"]
    assert seen == [f"item-{number}" for number in (4, 3, 2, 1, 0)]


async def test_another_clients_item_is_no_place_to_continue_from(client: Client, put_item: Put, reader: Reader) -> None:
    await put_item("mine", "ana")
    await put_item("foreign", "ben")
    body = await (await client.get("/v1/inbox?after=foreign", headers=reader("ana"))).json()
    assert body["items"] == []


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", ""])
async def test_a_limit_out_of_bounds_is_refused(client: Client, reader: Reader, limit: str) -> None:
    assert (await client.get(f"/v1/inbox?limit={limit}", headers=reader("ana"))).status == 400


async def test_reading_is_remembered_once(client: Client, put_item: Put, reader: Reader, pool: Pool) -> None:
    await put_item("one", "ana")
    assert (await client.post("/v1/inbox/one/read", headers=reader("ana"))).status == 204
    first = await pool.fetchval("SELECT read_at FROM inbox")
    assert await pool.fetchval("SELECT opened_at FROM deliveries") == first, "its message was opened"
    assert (await client.post("/v1/inbox/one/read", headers=reader("ana"))).status == 204
    assert await pool.fetchval("SELECT read_at FROM inbox") == first
    assert (await (await client.get("/v1/inbox", headers=reader("ana"))).json())["unread"] == 0


async def test_nobody_reads_for_another_client(client: Client, put_item: Put, reader: Reader, pool: Pool) -> None:
    await put_item("one", "ana")
    assert (await client.post("/v1/inbox/one/read", headers=reader("ben"))).status == 404
    assert await pool.fetchval("SELECT read_at FROM inbox") is None


async def test_every_wrong_token_gets_the_same_answer(client: Client) -> None:
    answers = set()
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, {"Authorization": "Bearer a.b.c"}):
        response = await client.get("/v1/inbox", headers=header)
        answers.add((response.status, response.content_type, await response.text()))
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert len(answers) == 1
    assert answers.pop()[:2] == (401, "application/problem+json")


async def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(client: Client, reader: Reader) -> None:
    statuses = [(await client.get("/v1/inbox")).status for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert (await client.get("/v1/inbox", headers=reader("ana"))).status == 200


async def test_a_page_of_a_named_origin_may_call_and_others_may_not(client: Client, reader: Reader) -> None:
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    allowed = await client.options("/v1/inbox", headers=preflight)
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    foreign = await client.options("/v1/inbox/one/read", headers={**preflight, "Origin": "https://evil.example"})
    assert foreign.status == 403
    assert "Access-Control-Allow-Origin" not in foreign.headers
    answered = await client.get("/v1/inbox", headers={**reader("ana"), "Origin": ORIGIN})
    assert answered.headers["Access-Control-Allow-Origin"] == ORIGIN


async def heard(stream: ClientResponse) -> str:
    async with asyncio.timeout(10):
        return (await stream.content.readuntil(b"\n\n")).decode()


async def test_a_live_reader_hears_of_each_new_item_and_of_nobody_elses(
    client: Client, put_item: Put, reader: Reader
) -> None:
    async with client.get("/v1/inbox/events", headers=reader("ana")) as stream:
        assert stream.content_type == "text/event-stream"
        assert await heard(stream) == 'event: inbox\ndata: {"unread":0}\n\n'
        await put_item("foreign", "ben")
        await put_item("one", "ana")
        spoken = await heard(stream)
        while spoken == 'event: inbox\ndata: {"unread":0}\n\n':  # the feed itself has just begun to listen
            spoken = await heard(stream)
        assert spoken == 'event: inbox\ndata: {"unread":1}\n\n'


async def test_live_readers_hear_again_after_the_database_cut_the_connection(
    client: Client, put_item: Put, reader: Reader, pool: Pool
) -> None:
    async with client.get("/v1/inbox/events", headers=reader("ana")) as stream:
        await heard(stream)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        await put_item("one", "ana")
        spoken = ""
        while '"unread":1' not in spoken:
            spoken = await heard(stream)


async def test_one_client_has_a_few_live_readers_at_most(client: Client, reader: Reader) -> None:
    streams = [await client.get("/v1/inbox/events", headers=reader("ana")) for _ in range(9)]
    assert [stream.status for stream in streams] == [200] * 8 + [503]
    for stream in streams:
        stream.close()
