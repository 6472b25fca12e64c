from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from demo.vendors.acuity import AcuityServer, Booking

NOON = datetime(2026, 5, 8, 12, tzinfo=UTC)


@pytest.fixture
async def acuity() -> AsyncIterator[AcuityServer]:
    async with AcuityServer(user_id="7", key="key") as server:
        for number in range(3):
            server.book(
                Booking(
                    id=number,
                    first_name="Ana",
                    last_name="Berger",
                    email="ana@example.com",
                    starts_at=NOON + timedelta(days=number),
                    minutes=45,
                    kind="Training",
                    timezone="America/New_York",
                    created_at=NOON - timedelta(days=7),
                )
            )
        yield server


async def get(server: AcuityServer, path: str, *, key: str = "key") -> tuple[int, Any]:
    headers = {"Authorization": aiohttp.encode_basic_auth("7", key)}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}/api/v1/{path}", headers=headers) as answer,
    ):
        assert "Retry-After" not in answer.headers
        return answer.status, await answer.json()


async def test_an_appointment_is_shown_in_the_clients_zone_with_an_offset_without_colon(
    acuity: AcuityServer,
) -> None:
    status, shown = await get(acuity, "appointments/0")
    assert status == 200
    assert (shown["datetime"], shown["duration"]) == ("2026-05-08T08:00:00-0400", "45")
    assert (shown["time"], shown["endTime"]) == ("8:00am", "8:45am")


async def test_an_appointment_that_is_not_there_is_404_and_a_wrong_key_401(acuity: AcuityServer) -> None:
    assert (await get(acuity, "appointments/99"))[0] == 404
    assert (await get(acuity, "appointments/x"))[0] == 404
    assert (await get(acuity, "appointments/0", key="guess"))[0] == 401


async def test_the_list_tells_live_from_cancelled_and_is_bounded(acuity: AcuityServer) -> None:
    acuity.cancel(1)

    async def ids(query: str) -> list[int]:
        return [shown["id"] for shown in (await get(acuity, f"appointments?{query}"))[1]]

    assert await ids("") == [2, 0]
    assert await ids("canceled=true") == [1]
    assert await ids("showall=true&direction=ASC") == [0, 1, 2]
    assert await ids("showall=true&max=1") == [2]
    assert "forms" in (await get(acuity, "appointments"))[1][0]
    assert "forms" not in (await get(acuity, "appointments?excludeForms=true"))[1][0]
    assert await ids("minDate=2026-05-09&maxDate=2026-05-09&showall=true") == [1]


async def test_a_list_holds_a_hundred_whatever_was_asked_for(acuity: AcuityServer) -> None:
    acuity.appointments = {number: {**acuity.appointments[0], "id": number} for number in range(130)}
    for query in ("", "?max=500", "?max=100"):
        assert len((await get(acuity, f"appointments{query}"))[1]) == 100


async def test_beyond_the_rate_limit_the_answer_is_429_without_a_header() -> None:
    async with AcuityServer(user_id="7", key="key", requests_per_second=0) as strict:
        assert (await get(strict, "appointments/0"))[0] == 429
