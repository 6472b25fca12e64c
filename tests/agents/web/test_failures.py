from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agents.web.failures import Failures


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_failures_beyond_the_limit_are_told_to_wait_until_the_minute_is_over() -> None:
    seconds = Seconds()
    failures = Failures(allowed=3, seconds=seconds)

    async def door(request: web.Request) -> web.Response:
        return failures.refuse(request)

    app = web.Application()
    app.add_routes([web.get("/", door)])
    async with TestClient(TestServer(app)) as client:
        assert [(await client.get("/")).status for _ in range(5)] == [401, 401, 401, 429, 429]
        seconds.now = 45.0
        assert (await client.get("/")).headers["Retry-After"] == "15"
        seconds.now = 60.0
        assert (await client.get("/")).status == 401
