"""Acuity's re-read: what no hook told is found, nothing is said again without a change, days away are caught up."""

import dataclasses
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiolimiter import AsyncLimiter

from agents.intake.acuity_api import AcuityApi
from agents.intake.acuity_reread import AcuityReread
from agents.intake.reread_memory import RereadMemory
from agents.intake.secrecy import Secrecy
from agents.intake.service import run_intake
from schemas.tenant import AcuitySource
from schemas.topics import EVENTS
from tests.integration.intake.stage import (
    API_KEY,
    IDENTITY_KEY,
    NOW,
    Stage,
    Studio,
    booking,
    clock_at,
    until,
)
from tests.integration.intake.test_polls import at

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TODAY = NOW.date()
INSTANT = timedelta(milliseconds=10)


def source(stage: Stage, **changes: Any) -> AcuitySource:
    acuity, *_ = stage.config.tenants[0].sources
    return AcuitySource.model_validate({**acuity.model_dump(), "reread_hours": 6, **changes})


def reread(stage: Stage, now: datetime = NOW) -> AcuityReread:
    acuity = source(stage)
    return AcuityReread(
        stage.tenant,
        acuity,
        api=AcuityApi(
            stage.session, AsyncLimiter(1000, 1), base_url=str(acuity.base_url), user_id=acuity.user_id, key=API_KEY
        ),
        zone=ZoneInfo("Europe/Vienna"),
        now=clock_at(now).now,
        admission=stage.intake.admission,
        memory=RereadMemory(stage.pool, stage.config.queries, Secrecy(IDENTITY_KEY), stage.tenant, acuity.name),
    )


async def run(stage: Stage, now: datetime = NOW) -> bool:
    """Re-read at a domain time; a back-off that is still held is over."""
    await stage.pool.execute("UPDATE polls SET held_until = now()")
    return await at(stage, now).run_if_due(reread(stage, now))


async def said(stage: Stage) -> list[tuple[str, str]]:
    """Type and id of each record."""
    return [(event.type, event.id) for event in await stage.events()]


async def cursor(stage: Stage) -> str | None:
    found: str | None = await stage.pool.fetchval("SELECT cursor FROM polls")
    return found


async def test_what_no_hook_told_is_found(stage: Stage) -> None:
    stage.acuity.book(booking(1, email="a@example.com"))
    stage.acuity.book(booking(2, email="b@example.com"))
    stage.acuity.cancel(2, no_show=True)
    stage.acuity.book(booking(3, email="c@example.com"))
    stage.acuity.label(3, "Completed")
    stage.acuity.book(booking(4, email="d@example.com", starts_at=NOW + 29 * DAY))
    await run(stage)
    assert sorted(type_ for type_, _ in await said(stage)) == [
        "session.booked",
        "session.booked",
        "session.completed",
        "session.no_show",
    ]
    assert {asked["showall"] + asked["max"] + asked["excludeForms"] for asked in stage.acuity.listed} == {"true100true"}


async def test_a_second_reread_says_nothing_that_has_not_changed(stage: Stage) -> None:
    for number in range(20):
        stage.acuity.book(booking(number, email=f"c{number}@example.com"))
    await run(stage)
    assert len(await said(stage)) == 20
    stage.acuity.cancel(7)
    assert await run(stage, NOW + 6 * HOUR + INSTANT)
    records = await said(stage)
    assert len(records) == 21
    assert [type_ for type_, id_ in records if ":7:" in id_] == ["session.booked", "session.canceled"]
    assert await run(stage, NOW + 13 * HOUR)
    assert len(await said(stage)) == 21


async def test_it_is_due_again_after_its_hours(stage: Stage) -> None:
    await run(stage)
    assert not await run(stage, NOW + 6 * HOUR - timedelta(minutes=1))
    assert await run(stage, NOW + 6 * HOUR + timedelta(minutes=1))


async def test_days_with_more_than_a_hundred_appointments_are_halved(stage: Stage) -> None:
    for number in range(260):
        start = NOW + (number % 30) * DAY
        stage.acuity.book(booking(number, email=f"c{number % 7}@example.com", starts_at=start))
    await run(stage)
    assert len(await said(stage)) == 260
    spans = {(date.fromisoformat(one["minDate"]), date.fromisoformat(one["maxDate"])) for one in stage.acuity.listed}
    read = {first + n * DAY for first, last in spans for n in range((last - first).days + 1)}
    assert {TODAY - 8 * DAY, TODAY, TODAY + 30 * DAY} <= read


async def test_a_single_day_is_read_from_both_ends(stage: Stage) -> None:
    for number in range(150):
        start = NOW + number * timedelta(minutes=2)
        stage.acuity.book(booking(number, email=f"c{number % 7}@example.com", starts_at=start))
    await run(stage)
    records = await said(stage)
    assert (len(set(records)), len(records)) == (150, 150)


async def test_after_days_away_everything_since_is_read_oldest_first(stage: Stage) -> None:
    await run(stage)
    for number in range(90):
        stage.acuity.book(booking(number, email=f"c{number % 7}@example.com", starts_at=NOW + number * DAY))
    stage.acuity.listed.clear()
    await run(stage, NOW + 90 * DAY)
    assert len(set(await said(stage))) == 90
    first_days = [asked["minDate"] for asked in stage.acuity.listed]
    assert first_days == sorted(first_days)
    assert first_days[0] == (TODAY - 8 * DAY).isoformat()


async def test_a_failure_in_the_middle_keeps_what_was_done_and_goes_on_there(stage: Stage) -> None:
    await run(stage)
    for number in range(90):
        stage.acuity.book(booking(number, email="ana@example.com", starts_at=NOW + number * DAY))
    stage.acuity.listed.clear()
    poll = reread(stage, NOW + 90 * DAY)
    steps = poll.run(await cursor(stage), NOW + 90 * DAY)
    stops = [await anext(steps) for _ in range(4)]
    await steps.aclose()
    done = len(await said(stage))
    assert 0 < done < 90
    await stage.pool.execute("UPDATE polls SET cursor = $1", stops[-1])
    again_from = len(stage.acuity.listed)
    await run(stage, NOW + 90 * DAY)
    records = await said(stage)
    assert (len(set(records)), len(records)) == (90, 90)
    assert stage.acuity.listed[again_from]["minDate"] == stage.acuity.listed[again_from - 1]["maxDate"]


async def test_429_without_a_header_is_a_back_off_and_the_cursor_stays(stage: Stage) -> None:
    await run(stage)
    was = await cursor(stage)
    stage.acuity.faults.extend([429] * 3)
    await run(stage, NOW + DAY)
    row = await stage.pool.fetchrow("SELECT cursor, failures, held_until > now() AS held FROM polls")
    assert row is not None
    assert tuple(row) == (was, 1, True)


async def test_what_cannot_be_read_spoils_no_other(stage: Stage) -> None:
    stage.acuity.book(booking(1))
    stage.acuity.book(booking(2))
    stage.acuity.appointments[2]["duration"] = "long"
    stage.acuity.book(booking(3))
    stage.acuity.appointments[3]["id"] = "none"
    await run(stage)
    assert len(await said(stage)) == 1
    assert await cursor(stage) == TODAY.isoformat()


async def test_what_is_remembered_names_nobody_and_is_forgotten_with_its_day(stage: Stage) -> None:
    stage.acuity.book(booking(starts_at=NOW))
    await run(stage)
    row = await stage.pool.fetchrow("SELECT * FROM rereads")
    assert row is not None
    assert (row["object_id"], len(row["digest"])) == ("acuity:11145481:54321", 32)
    assert "erger" not in str(row)
    await run(stage, NOW + 8 * DAY)
    assert await stage.pool.fetchval("SELECT count(*) FROM rereads") == 1
    await run(stage, NOW + 12 * DAY)
    assert await stage.pool.fetchval("SELECT count(*) FROM rereads") == 0


async def test_what_was_not_admitted_is_not_remembered(stage: Stage) -> None:
    stage.acuity.book(booking())
    poll = reread(stage)

    class Full:
        async def admit(self, *_: object) -> bool:
            raise OSError("the disk is away")

    poll._admission = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="the disk is away"):
        await at(stage, NOW + INSTANT).run_if_due(poll)
    assert await stage.pool.fetchval("SELECT count(*) FROM rereads") == 0


async def test_the_service_rereads_by_itself_unless_it_is_off(stage: Stage, tmp_path: Path) -> None:
    stage.acuity.book(booking())
    for hours, at_least in ((0, 0), (6, 2)):
        studio = Studio(id=stage.tenant, sources=(source(stage, reread_hours=hours),))
        clock = dataclasses.replace(clock_at(NOW), speed=21_600.0)
        spool_dir = tmp_path / f"every{hours}"
        config = dataclasses.replace(stage.config, tenants=(studio,), clock=clock, spool_dir=spool_dir)
        async with run_intake(config, stage.pool) as intake:
            await until(lambda: intake.producer.is_live)
            await until(lambda: len(stage.acuity.listed) >= at_least * 2)  # noqa: B023 - within the round
        assert (await stage.records(EVENTS) != []) is (hours > 0)
