"""What strangers and scanners send: never an error of ours."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from yarl import URL

from agents.ledger.pool import Pool
from agents.web.approval_links import ApprovalLinks
from agents.web.links import UnsubscribeLinks
from agents.web.preference_links import PreferenceLinks
from tests.integration.waiting import wait_for_coach

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
ADMIN = "/v1/admin/tenants/northstar"
URLENCODED = "application/x-www-form-urlencoded"
BROKEN = {
    "cut off": ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="choice"\r\n\r\nlea'),
    "no part": ("multipart/form-data; boundary=b", b"leave"),
    "no name": ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nleave\r\n--b--\r\n"),
    "no header": ("multipart/form-data; boundary=b", b"--b\r\n:\r\x00\n\r\nleave\r\n--b--\r\n"),
    "no boundary": ("multipart/form-data", b"choice=leave"),
    "nested": ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--b--\r\n"),
    "no encoding": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: x\r\n\r\nx\r\n--b--\r\n',
    ),
    "no charset of a part": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=x\r\n\r\nx\r\n--b--\r\n',
    ),
    "no charset": (f"{URLENCODED}; charset=x-klingon", b"choice=leave"),
    "no text codec": (f"{URLENCODED}; charset=base64", b"choice=leave"),
    "not UTF-8": (URLENCODED, b"choice=\xff\xfe"),
    "not UTF-8, escaped": (URLENCODED, b"choice=%ff%fe"),
    "U+0000": (URLENCODED, b"choice=lea%00ve"),
    "too many fields": (URLENCODED, b"&".join(b"a=1" for _ in range(300))),
}


@pytest.fixture
async def doors(
    pool: Pool, approval_links: ApprovalLinks, links: UnsubscribeLinks, preference_links: PreferenceLinks
) -> tuple[str, ...]:
    waiting = await wait_for_coach(pool, "email")
    return (
        f"/a/{approval_links.token(tenant='northstar', celebration_id=waiting, coach='jo')}",
        f"/p/{preference_links.token(tenant='northstar', client='ana')}",
        f"/u/{links.token(tenant='northstar', client='ana', channel='email')}",
        "/v1/replies/northstar",
    )


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_body_that_is_no_form_is_the_senders_fault(client: Client, doors: tuple[str, ...], fault: str) -> None:
    media, body = BROKEN[fault]
    for door in doors:
        response = await client.post(door, data=body, headers={"Content-Type": media})
        assert response.status == 400, f"{door}: {response.status}"


async def test_a_form_in_parts_is_read(client: Client, doors: tuple[str, ...]) -> None:
    media, head = "multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="choice"\r\n\r\n'
    response = await client.post(doors[2], data=head + b"leave\r\n--b--\r\n", headers={"Content-Type": media})
    assert "have stopped" in await response.text()


@pytest.mark.parametrize("revision", ["9" * 5_000, "x", "-1", "\u0663"])
async def test_a_revision_is_a_short_number(client: Client, doors: tuple[str, ...], pool: Pool, revision: str) -> None:
    response = await client.post(doors[0], data={"choice": "decline", "revision": revision})
    assert response.status == 400
    assert await pool.fetchval("SELECT state FROM approvals") == "open"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "approvals/%00", None),
        ("POST", "approvals/%00/approve", {}),
        ("POST", "approvals/%00/take-over", {}),
        ("POST", "unknown/%00", {"answer": "sent", "reason": "x"}),
        ("PUT", "pause?rule=%00", {"reason": "x"}),
    ],
)
async def test_no_id_holds_a_zero(
    client: Client, operator: Headers, method: str, path: str, body: dict[str, str] | None
) -> None:
    response = await client.request(method, URL(f"{ADMIN}/{path}", encoded=True), json=body, headers=operator)
    assert response.status == 400


async def test_no_item_of_an_inbox_holds_a_zero(client: Client, reader: Callable[[str], Headers]) -> None:
    after = await client.get(URL("/v1/inbox?after=%00", encoded=True), headers=reader("ana"))
    read = await client.post(URL("/v1/inbox/%00/read", encoded=True), headers=reader("ana"))
    assert (after.status, read.status) == (400, 400)


@pytest.mark.parametrize("odd", ["%00", "a%0Ab", "a%2Fb", "a/b", "a,b", "%E2%80%AE", "%FF", "a.pdf/", ""])
@pytest.mark.parametrize("page", ["/c", "/b", "/v", "/r"])
async def test_an_address_that_nobody_made_is_the_plain_page(client: Client, page: str, odd: str) -> None:
    response = await client.get(URL(f"{page}/{odd}", encoded=True))
    assert (response.status, response.content_type) == (404, "text/html")


@pytest.mark.parametrize(
    ("request_line", "header", "status"),
    [
        (b"POST /v1/replies/northstar", b"X-Twilio-Signature: ", 403),
        (b"POST /v1/provider-events/northstar/twilio", b"X-Twilio-Signature: ", 403),
        (b"POST /v1/provider-events/northstar/tremendous", b"Tremendous-Webhook-Signature: ", 403),
        (b"POST /v1/provider-events/northstar/standard_webhooks", b"webhook-id: a\r\nwebhook-signature: v1,", 403),
        (b"GET /v1/inbox", b"Authorization: Bearer ", 401),
        (b"GET /v1/inbox", b"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.", 401),
        (b"GET /v1/admin/tenants/northstar/held", b"Authorization: Bearer cairn_", 401),
    ],
)
async def test_a_credential_of_bytes_that_are_no_text_is_a_bad_one(
    client: Client, request_line: bytes, header: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request_line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n")
    writer.write(header + b"\xff\xfe\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
