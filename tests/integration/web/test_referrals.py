from datetime import timedelta
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.clients import ProfileRecord, apply_profiles
from agents.ledger.pool import Pool
from agents.ledger.referrals import last_asked, record_asked
from agents.web.keepsake_links import KeepsakeLinks
from tests.integration.web.keepsake_rows import ASKED_AT, give
from tests.sample_milestones import ANA, SAMPLES

Client: TypeAlias = TestClient[Request, Application]
FIRST, SECOND = "c1" * 16, "c2" * 16
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"}
KEY = ("northstar", "c-17")


async def ask(pool: Pool, celebration: str, *, days: int = 0) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await record_asked(
            connection,
            tenant="northstar",
            client="c-17",
            celebration_id=celebration,
            asked_at=ASKED_AT + timedelta(days=days),
        )


@pytest.fixture
async def asked(pool: Pool) -> None:
    await give(pool, SAMPLES["thirty-six"], "referral", celebration=FIRST, profile=ANA)
    await ask(pool, FIRST)


@pytest.fixture
def path(keepsake_links: KeepsakeLinks) -> str:
    return f"/r/{keepsake_links.token('referral', tenant='northstar', celebration_id=FIRST)}"


async def clicks(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT clicks FROM referrals"))


@pytest.mark.usefixtures("asked")
async def test_a_friend_is_led_to_the_practice_with_the_clients_code(client: Client, path: str, pool: Pool) -> None:
    response = await client.get(path, headers=PHONE, allow_redirects=False)
    code = await pool.fetchval("SELECT code FROM referrals")
    assert response.status == 302
    assert response.headers["Location"] == f"https://northstar.example/join?ref={code}&src=friend"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert await clicks(pool) == 1
    assert await pool.fetchval("SELECT last_clicked_at IS NOT NULL FROM referrals")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "WhatsApp/2.23.20.0"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "python-requests/2.32"},
        {"User-Agent": ""},
        {**PHONE, "Sec-Purpose": "prefetch;prerender"},
        {**PHONE, "Purpose": "prefetch"},
    ],
)
async def test_what_looks_at_a_link_for_somebody_is_led_on_and_not_counted(
    client: Client, path: str, pool: Pool, headers: dict[str, str]
) -> None:
    assert (await client.get(path, headers=headers, allow_redirects=False)).status == 302
    assert await clicks(pool) == 0


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (Linux; Android 15; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/140.0 Mobile Telegram-Android/12.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/480.0]",
    ],
)
async def test_a_person_counts_also_in_the_browser_of_an_app(client: Client, path: str, pool: Pool, agent: str) -> None:
    await client.get(path, headers={"User-Agent": agent}, allow_redirects=False)
    assert await clicks(pool) == 1


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("agent", ["TelegramBot (like TwitterBot)", "Discordbot/2.0", "Snap URL Preview Service"])
async def test_previews_of_messengers_do_not_count(client: Client, path: str, pool: Pool, agent: str) -> None:
    await client.get(path, headers={"User-Agent": agent}, allow_redirects=False)
    assert await clicks(pool) == 0


@pytest.mark.usefixtures("asked")
async def test_asking_for_the_head_alone_is_not_a_click(client: Client, path: str, pool: Pool) -> None:
    assert (await client.head(path, headers=PHONE, allow_redirects=False)).status == 302
    assert await clicks(pool) == 0


@pytest.mark.usefixtures("asked")
async def test_a_client_has_one_code_for_good(pool: Pool) -> None:
    await give(pool, SAMPLES["halfway"], "referral", celebration=SECOND, profile=ANA)
    await ask(pool, SECOND, days=200)
    assert await pool.fetchval("SELECT count(DISTINCT code) FROM referrals") == 1
    assert await pool.fetchval("SELECT count(*) FROM referrals") == 2


async def test_two_clients_have_two_codes(pool: Pool) -> None:
    for number, celebration in enumerate((FIRST, SECOND)):
        await give(pool, SAMPLES["thirty-six"], "referral", celebration=celebration)
        async with pool.acquire() as connection:
            await record_asked(
                connection, tenant="northstar", client=f"c-{number}", celebration_id=celebration, asked_at=ASKED_AT
            )
    assert await pool.fetchval("SELECT count(DISTINCT code) FROM referrals") == 2


@pytest.mark.usefixtures("asked")
async def test_the_last_time_counts_for_the_cool_down(pool: Pool) -> None:
    await give(pool, SAMPLES["halfway"], "referral", celebration=SECOND, profile=ANA)
    await ask(pool, SECOND, days=200)
    async with pool.acquire() as connection:
        assert await last_asked(connection, [KEY, ("northstar", "never")]) == {KEY: ASKED_AT + timedelta(days=200)}


@pytest.mark.usefixtures("asked")
async def test_asking_twice_for_one_celebration_is_asking_once(pool: Pool) -> None:
    await ask(pool, FIRST, days=3)
    assert await pool.fetchval("SELECT asked_at FROM referrals") == ASKED_AT


async def test_an_address_that_nobody_was_given_leads_nowhere(client: Client, path: str, pool: Pool) -> None:
    await give(pool, SAMPLES["thirty-six"], "referral", celebration=FIRST, profile=ANA)
    assert (await client.get(path, headers=PHONE, allow_redirects=False)).status == 404


@pytest.mark.usefixtures("asked")
async def test_a_recommendation_outlives_its_milestone(client: Client, path: str, pool: Pool) -> None:
    await pool.execute("UPDATE milestones SET retracted = true")
    assert (await client.get(path, headers=PHONE, allow_redirects=False)).status == 302


@pytest.mark.usefixtures("asked")
async def test_no_code_leads_to_an_erased_client(client: Client, path: str, pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await apply_profiles(connection, [ProfileRecord(tenant="northstar", client="c-17", profile=None, offset=9)])
    assert await pool.fetchval("SELECT count(*) FROM referrals") == 0
    assert (await client.get(path, headers=PHONE, allow_redirects=False)).status == 410
