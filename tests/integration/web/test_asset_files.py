from typing import TypeAlias

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

Client: TypeAlias = TestClient[Request, Application]
ORIGIN = "https://app.northstar.example"
COMPONENT = "/assets/cairn-inbox.js"


async def test_the_component_is_a_module_that_browsers_run(client: Client) -> None:
    response = await client.get(COMPONENT)
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert 'customElements.define("cairn-inbox"' in await response.text()


async def test_a_copy_that_is_up_to_date_is_not_sent_again(client: Client) -> None:
    first = await client.get(COMPONENT)
    assert "max-age=600" in first.headers["Cache-Control"]
    again = await client.get(COMPONENT, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    stale = await client.get(COMPONENT, headers={"If-None-Match": '"another"'})
    assert stale.status == 200


async def test_a_named_origin_may_load_it_and_others_may_not(client: Client) -> None:
    named = await client.get(COMPONENT, headers={"Origin": ORIGIN})
    assert named.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert named.headers["Vary"] == "Origin"
    foreign = await client.get(COMPONENT, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers


async def test_no_other_file_can_be_asked_for(client: Client) -> None:
    for path in ("/assets/", "/assets/../serve.py", "/assets/cairn-inbox.js.map", "/assets/%2e%2e/inbox.py"):
        assert (await client.get(path)).status in (404, 405)


async def test_the_component_loads_nothing_and_evaluates_nothing(client: Client) -> None:
    text = await (await client.get(COMPONENT)).text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "import ", "EventSource("):
        assert word not in text, word
    assert "token=" not in text
