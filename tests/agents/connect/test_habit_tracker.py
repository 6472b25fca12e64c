"""What is at a habit tracker's address but does not answer as one is told with what to mend."""

import aiohttp
import pytest
from aiohttp import web
from pydantic import HttpUrl

from agents.connect.habit_tracker import ask_tracker
from agents.connect.vendor_call import VendorRefused
from demo.vendors.server import VendorServer
from schemas.tenant import HabitPullSource


async def _streaks(_request: web.Request) -> web.Response:
    return web.json_response({"streaks": []})


@pytest.mark.parametrize(("below", "what"), [("", "does not answer with a list"), ("/nowhere", "status 404")])
async def test_an_address_that_is_no_trackers_is_to_be_mended_in_tenant_yaml(below: str, what: str) -> None:
    server = VendorServer()
    server.app.router.add_get("/streaks", _streaks)
    async with server, aiohttp.ClientSession() as session:
        source = HabitPullSource(kind="habit_pull", name="habits", base_url=HttpUrl(f"{server.base_url}{below}"))
        with pytest.raises(VendorRefused, match=f"{what}.*base_url in tenant.yaml"):
            await ask_tracker(session, source, "a-token")
