import re
import struct
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.clients import ProfileRecord, apply_profiles
from agents.ledger.pool import Pool
from agents.web.keepsake_links import PATHS, KeepsakeLinks, Purpose
from tests.integration.web.keepsake_rows import give
from tests.sample_milestones import ANA, SAMPLES

Client: TypeAlias = TestClient[Request, Application]
CELEBRATION = "c1" * 16
CHANNELS = ("certificate", "badge", "video", "referral")
PURPOSES: tuple[Purpose, ...] = ("certificate", "badge", "video")


@pytest.fixture
async def given(pool: Pool) -> None:
    await give(pool, SAMPLES["thirty-six"], *CHANNELS, celebration=CELEBRATION, profile=ANA)


@pytest.fixture
def path(keepsake_links: KeepsakeLinks) -> dict[Purpose, str]:
    return {
        purpose: f"{PATHS[purpose]}/{keepsake_links.token(purpose, tenant='northstar', celebration_id=CELEBRATION)}"
        for purpose in PATHS
    }


async def erase(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await apply_profiles(connection, [ProfileRecord(tenant="northstar", client="c-17", profile=None, offset=9)])


@pytest.mark.usefixtures("given")
async def test_a_certificate_says_whose_it_is_what_for_and_who_confirms_it(
    client: Client, path: dict[Purpose, str]
) -> None:
    response = await client.get(path["certificate"])
    text = await response.text()
    assert response.status == 200
    for word in ("Ana Silva", "36 sessions", "5 May 2026", "Jo Keller", "Confirmed by Northstar Strength"):
        assert word in text
    assert f'href="{path["certificate"]}.pdf"' in text
    assert "ana@clients.example" not in text


@pytest.mark.usefixtures("given")
async def test_the_file_of_a_certificate_is_a_pdf_that_leads_back_to_its_page(
    client: Client, path: dict[Purpose, str]
) -> None:
    response = await client.get(f"{path['certificate']}.pdf")
    body = await response.read()
    assert (response.status, response.content_type) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == 'attachment; filename="certificate.pdf"'
    assert f"/URI (http://cairn.example{path['certificate']})".encode() in body


async def test_a_certificate_of_a_client_without_a_name_tells_what_was_reached(
    client: Client, path: dict[Purpose, str], pool: Pool
) -> None:
    await give(pool, SAMPLES["thirty-six"], "certificate", celebration=CELEBRATION, profile=None)
    text = await (await client.get(path["certificate"])).text()
    assert "<h1><bdi>36 sessions</bdi></h1>" in text
    assert (await client.get(f"{path['certificate']}.pdf")).status == 200


async def test_a_name_is_text_and_never_markup(client: Client, path: dict[Purpose, str], pool: Pool) -> None:
    odd = ANA.model_copy(update={"name": 'Ana "& Silva'})
    await give(pool, SAMPLES["thirty-six"], "certificate", celebration=CELEBRATION, profile=odd)
    assert "Ana &#34;&amp; Silva" in await (await client.get(path["certificate"])).text()


@pytest.mark.usefixtures("given")
async def test_a_badge_can_be_shown_to_anybody_since_it_names_nobody(client: Client, path: dict[Purpose, str]) -> None:
    text = await (await client.get(path["badge"])).text()
    assert "36 sessions" in text
    assert 'alt="Badge: 36 sessions"' in text
    assert f'<meta property="og:image" content="http://cairn.example{path["badge"]}-512.png">' in text
    assert not re.search("ana|silva|c-17", text, re.IGNORECASE)


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("size", [64, 512])
async def test_a_badge_has_a_picture_in_two_sizes(client: Client, path: dict[Purpose, str], size: int) -> None:
    response = await client.get(f"{path['badge']}-{size}.png")
    body = await response.read()
    assert (response.status, response.content_type) == (200, "image/png")
    assert struct.unpack(">II", body[16:24]) == (size, size)


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("size", ["65", "5120", "x"])
async def test_no_other_size_is_drawn(client: Client, path: dict[Purpose, str], size: str) -> None:
    assert (await client.get(f"{path['badge']}-{size}.png")).status == 404


@pytest.mark.usefixtures("given")
async def test_a_video_plays_with_captions_and_has_a_way_for_who_cannot_play_it(
    client: Client, path: dict[Purpose, str]
) -> None:
    response = await client.get(path["video"])
    text = await response.text()
    assert "<video controls" in text
    assert 'poster="https://media.northstar.example/major.jpg"' in text
    assert 'kind="captions" src="https://captions.northstar.example/thirty-six.vtt"' in text
    assert 'href="https://media.northstar.example/thirty-six-36.mp4"' in text
    policy = response.headers["Content-Security-Policy"]
    assert "media-src https://media.northstar.example https://captions.northstar.example;" in policy
    assert "img-src https://media.northstar.example" in policy


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("purpose", PURPOSES)
async def test_a_page_keeps_nothing_of_who_looks_at_it(
    client: Client, path: dict[Purpose, str], purpose: Purpose
) -> None:
    response = await client.get(path[purpose])
    text = await response.text()
    assert '<html lang="en">' in text
    assert "<script" not in text
    assert not response.cookies
    headers = response.headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (headers["X-Robots-Tag"], headers["Referrer-Policy"]) == ("noindex", "no-referrer")
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("purpose", PURPOSES)
async def test_what_was_withdrawn_is_gone_and_comes_back_with_its_milestone(
    client: Client, path: dict[Purpose, str], pool: Pool, purpose: Purpose
) -> None:
    await pool.execute("UPDATE milestones SET retracted = true")
    response = await client.get(path[purpose])
    assert response.status == 410
    assert not re.search("sessions|Ana|Northstar", await response.text())
    await pool.execute("UPDATE milestones SET retracted = false")
    assert (await client.get(path[purpose])).status == 200


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("purpose", PATHS)
async def test_an_erased_client_is_shown_nowhere(
    client: Client, path: dict[Purpose, str], pool: Pool, purpose: Purpose
) -> None:
    await erase(pool)
    response = await client.get(path[purpose], allow_redirects=False)
    assert response.status == 410
    assert "Ana" not in await response.text()


@pytest.mark.usefixtures("given")
async def test_files_are_gone_with_their_pages(client: Client, path: dict[Purpose, str], pool: Pool) -> None:
    await erase(pool)
    for file in (f"{path['certificate']}.pdf", f"{path['badge']}-512.png"):
        assert (await client.get(file)).status == 410


@pytest.mark.parametrize("purpose", PATHS)
async def test_what_was_never_given_is_not_found(
    client: Client, path: dict[Purpose, str], pool: Pool, purpose: Purpose
) -> None:
    await give(pool, SAMPLES["thirty-six"], *CHANNELS, celebration=CELEBRATION, profile=ANA, state="skipped")
    assert (await client.get(path[purpose], allow_redirects=False)).status == 404


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("purpose", PATHS)
async def test_every_address_that_we_never_made_gets_the_same_answer(
    client: Client, path: dict[Purpose, str], keepsake_links: KeepsakeLinks, purpose: Purpose
) -> None:
    of_other_purpose = path["badge" if purpose != "badge" else "video"].split("/")[-1]
    strangers = (
        "x",
        "a.b",
        "x" * 3000,
        path[purpose].split("/")[-1][:-1],
        of_other_purpose,
        KeepsakeLinks("http://cairn.example", "m" * 32).token(purpose, tenant="northstar", celebration_id=CELEBRATION),
        keepsake_links.token(purpose, tenant="nobody", celebration_id=CELEBRATION),
        keepsake_links.token(purpose, tenant="northstar", celebration_id="00" * 16),
    )
    answers = {await answer(client, f"{PATHS[purpose]}/{token}") for token in strangers}
    assert len(answers) == 1
    status, text, *_ = answers.pop()
    assert status == 404
    assert "This link does not work" in str(text)


async def answer(client: Client, path: str) -> tuple[int, str, str]:
    response = await client.get(path, allow_redirects=False)
    return response.status, await response.text(), response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("state", "carrier", "status"),
    [
        ("held", "pending", 404),
        ("pending", "held", 404),
        ("pending", "skipped", 404),
        ("pending", "pending", 200),
        ("pending", "sent", 200),
        ("unknown", "unknown", 200),
        ("delivered", "delivered", 200),
    ],
)
async def test_what_waits_for_a_coach_is_not_confirmed(
    client: Client, path: dict[Purpose, str], pool: Pool, state: str, carrier: str, status: int
) -> None:
    await give(pool, SAMPLES["thirty-six"], "certificate", "email", celebration=CELEBRATION, profile=ANA)
    states = "UPDATE deliveries SET state = $2, reason = 'approval' WHERE channel = $1"
    await pool.execute(states, "certificate", state)
    await pool.execute(states, "email", carrier)
    assert (await client.get(path["certificate"])).status == status
    assert (await client.get(f"{path['certificate']}.pdf")).status == status
