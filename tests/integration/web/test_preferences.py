"""Preferences, by the platform's app and by the page behind a link in a message."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from aiokafka.errors import KafkaConnectionError

from agents.ledger.pool import Pool
from agents.web.links import UnsubscribeLinks
from agents.web.preference_links import PreferenceLinks
from tests.integration.web.conftest import ORIGIN, Restated

Client: TypeAlias = TestClient[Request, Application]
Reader: TypeAlias = Callable[[str], dict[str, str]]
PROFILE = """
{"channels": {"in_app": false}, "consents": {
    "marketing": {"granted": true, "source": "form", "at": "2026-05-01T10:00:00Z"},
    "story": {"granted": true, "source": "form", "at": "2026-06-01T10:00:00Z"}}}
"""
PATH = "/v1/preferences"


@pytest.fixture(autouse=True)
async def _known(pool: Pool) -> None:
    await pool.execute("INSERT INTO clients (tenant, client, profile) VALUES ('northstar', 'ana', $1::jsonb)", PROFILE)


@pytest.fixture
def page(preference_links: PreferenceLinks) -> str:
    return f"/p/{preference_links.token(tenant='northstar', client='ana')}"


async def shown(client: Client, reader: Reader, whose: str = "ana") -> dict[str, Any]:
    response = await client.get(PATH, headers=reader(whose))
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    found: dict[str, Any] = await response.json()
    return found


async def history(pool: Pool) -> list[tuple[str, bool | None, str, str]]:
    rows = await pool.fetch("SELECT name, granted, source, author FROM consent_history ORDER BY entry_id")
    return [tuple(row) for row in rows]


async def test_what_counts_is_shown_with_where_it_comes_from(client: Client, reader: Reader) -> None:
    found = await shown(client, reader)
    assert found["channels"] == {"email": True, "in_app": False}
    assert {kind: said["granted"] for kind, said in found["consents"].items()} == {
        "service": True,
        "marketing": True,
        "public_praise": False,
        "story": True,
        "personal_signals": False,
    }
    assert found["consents"]["marketing"] == {"granted": True, "source": "form", "at": "2026-05-01T10:00:00Z"}
    assert found["consents"]["service"] == {"granted": True, "source": None, "at": None}
    assert found["frequency"]["at_most"]["micro"] == {"per_day": 1}
    assert found["frequency"]["quiet_hours"] == {"from": "21:00", "to": "08:00"}
    assert [(change["name"], change["granted"]) for change in found["history"]] == [
        ("in_app", False),
        ("marketing", True),
        ("story", True),
    ]


async def test_a_wish_counts_at_once_is_published_and_has_its_history(
    client: Client, reader: Reader, pool: Pool, restated: Restated
) -> None:
    said = {"channels": {"email": False, "in_app": True}, "consents": {"marketing": False, "public_praise": True}}
    response = await client.put(PATH, json=said, headers=reader("ana"))
    found = await response.json()
    assert found["channels"]["email"] is False
    assert found["consents"]["marketing"]["granted"] is False
    assert found["consents"]["public_praise"] == {
        "granted": True,
        "source": "preferences",
        "at": "2026-05-05T12:00:00Z",
    }
    ((tenant, whose, facts),) = restated.facts
    assert (tenant, whose, facts["channels"]) == ("northstar", "ana", {"email": False, "in_app": True})
    assert {kind: one["granted"] for kind, one in facts["consents"].items()} == said["consents"]
    assert (await history(pool))[3:] == [
        ("email", False, "preferences", "client"),
        ("marketing", False, "preferences", "client"),
        ("public_praise", True, "preferences", "client"),
    ]


async def test_saying_it_again_changes_nothing(client: Client, reader: Reader, pool: Pool) -> None:
    for _ in range(2):
        await client.put(PATH, json={"consents": {"marketing": False}}, headers=reader("ana"))
    assert len(await history(pool)) == 4


async def test_what_is_said_last_counts_even_against_a_date_in_the_future(client: Client, reader: Reader) -> None:
    await client.put(PATH, json={"consents": {"story": False}}, headers=reader("ana"))
    assert (await shown(client, reader))["consents"]["story"]["granted"] is False


async def test_a_profile_that_says_it_later_counts_again_and_an_older_one_does_not(
    client: Client, reader: Reader, pool: Pool
) -> None:
    await client.put(PATH, json={"consents": {"marketing": False}}, headers=reader("ana"))
    for at, counts in (("2026-05-02T10:00:00Z", False), ("2026-05-09T10:00:00Z", True)):
        profile = PROFILE.replace("2026-05-01T10:00:00Z", at)
        await pool.execute("UPDATE clients SET profile = $1::jsonb", profile)
        assert (await shown(client, reader))["consents"]["marketing"]["granted"] is counts
        assert (await history(pool))[-1][:2] == ("marketing", counts)


async def test_a_consent_that_a_profile_drops_is_noted_as_not_recorded(pool: Pool) -> None:
    await pool.execute('UPDATE clients SET profile = \'{"name": "Ana"}\'')
    assert {("marketing", None, "profile", "profile"), ("story", None, "profile", "profile")} <= set(
        await history(pool)
    )


async def test_the_history_is_never_rewritten(pool: Pool) -> None:
    for statement in (
        "UPDATE consent_history SET granted = true",
        "DELETE FROM consent_history",
        "TRUNCATE consent_history",
    ):
        with pytest.raises(Exception, match="append-only"):
            await pool.execute(statement)


@pytest.mark.parametrize(
    "body",
    [
        {"channels": {"pigeon": True}},
        {"consents": {"everything": True}},
        {"channels": {"email": "no"}},
        {"more": 1},
        [],
        7,
    ],
)
async def test_what_cannot_be_understood_is_told_and_changes_nothing(
    client: Client, reader: Reader, pool: Pool, body: object
) -> None:
    response = await client.put(PATH, json=body, headers=reader("ana"))
    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert len(await history(pool)) == 3


async def test_a_client_sees_and_changes_their_own_wishes_alone(client: Client, reader: Reader, pool: Pool) -> None:
    await client.put(PATH, json={"channels": {"email": False}}, headers=reader("bea"))
    assert (await shown(client, reader))["channels"]["email"] is True
    assert (await client.get(PATH)).status == 401
    assert await pool.fetchval("SELECT array_agg(client) FROM opt_outs") == ["bea"]


async def test_for_who_was_erased_there_is_nothing_to_see_or_to_say(
    client: Client, reader: Reader, pool: Pool, page: str, restated: Restated
) -> None:
    await pool.execute("UPDATE clients SET profile = NULL, erased_at = now()")
    assert (await client.get(PATH, headers=reader("ana"))).status == 404
    assert (await client.put(PATH, json={"consents": {"story": True}}, headers=reader("ana"))).status == 404
    assert (await client.get(page)).status == 404
    assert (await client.post(page, data={"name": "story", "choice": "on"})).status == 404
    assert await pool.fetchval("SELECT count(*) FROM consent_wishes") == 0
    assert restated.facts == []


async def test_a_wish_holds_while_kafka_is_away(client: Client, reader: Reader, pool: Pool, restated: Restated) -> None:
    restated.error = KafkaConnectionError()
    response = await client.put(PATH, json={"consents": {"marketing": False}}, headers=reader("ana"))
    assert response.status == 200
    assert await pool.fetchval("SELECT granted FROM consent_wishes") is False


async def test_a_page_of_the_platform_may_ask_whether_it_may_put(client: Client) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    response = await client.options(PATH, headers=asked)
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_looking_at_the_page_changes_nothing(client: Client, page: str, pool: Pool) -> None:
    response = await client.get(page)
    text = await response.text()
    assert response.status == 200
    for words in ("Northstar Strength", "Mails", "A word when you reach something", "Your birthday", "aria-label"):
        assert words in text
    assert "Text messages" not in text  # the practice has no account for them
    assert '<html lang="en">' in text
    assert "script" not in text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert len(await history(pool)) == 3


async def test_each_switch_goes_by_itself_and_back(
    client: Client, page: str, reader: Reader, restated: Restated
) -> None:
    text = await (await client.post(page, data={"name": "marketing", "choice": "off"})).text()
    assert "recommend us: off from now on." in text
    assert (await shown(client, reader))["consents"]["marketing"]["source"] == "page"
    await client.post(page, data={"name": "email", "choice": "off"})
    assert (await shown(client, reader))["channels"]["email"] is False
    await client.post(page, data={"name": "email", "choice": "on"})
    assert (await shown(client, reader))["channels"]["email"] is True
    assert len(restated.facts) == 3


@pytest.mark.parametrize(
    "form", [{}, {"name": "email"}, {"name": "sms", "choice": "off"}, {"name": "x", "choice": "on"}]
)
async def test_a_post_that_says_nothing_changes_nothing(
    client: Client, page: str, pool: Pool, form: dict[str, str]
) -> None:
    assert (await client.post(page, data=form)).status == 200
    assert len(await history(pool)) == 3


async def test_a_link_of_another_kind_opens_nothing(client: Client, links: UnsubscribeLinks) -> None:
    for token in ("x", "x" * 3000, links.token(tenant="northstar", client="ana", channel="email")):
        for response in (await client.get(f"/p/{token}"), await client.post(f"/p/{token}", data={"choice": "off"})):
            assert response.status == 404
            assert "This link does not work" in await response.text()
