from datetime import UTC, date, datetime

import aiohttp

from demo.vendors.habits import HabitServer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def _days(server: HabitServer, since: str = "") -> list[str]:
    headers = {"Authorization": "Bearer key"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.base_url}/streaks", params={"since": since}) as answer,
    ):
        return [row["day"] for row in await answer.json()]


async def test_a_check_stands_in_the_list_from_its_moment_on() -> None:
    times = [NOON]
    async with HabitServer(token="key", now=lambda: times[-1]) as server:
        server.check("ann@example.org", "walk", date(2026, 3, 1))
        server.check("ann@example.org", "walk", date(2026, 3, 2), at=NOON.replace(hour=13))
        assert await _days(server) == ["2026-03-01"]
        times.append(NOON.replace(hour=13))
        assert await _days(server) == await _days(server) == ["2026-03-01", "2026-03-02"]
        assert await _days(server, "2026-03-02") == ["2026-03-02"]
