"""`cairn state` reads what the real tracker committed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration.history.stage import Stage, habit


async def test_what_the_tracker_committed_is_shown(stage: Stage, tmp_path: Path) -> None:
    today = datetime.now(UTC)
    days = [today - timedelta(days=number) for number in range(3)]
    for number, at in enumerate(days):
        await stage.event(habit("ana", 1, tenant=stage.tenant, id=str(number), time=at.isoformat()))
    async with stage.tracker(tmp_path):
        await stage.tracked("ana", 3)
    who = f"{stage.tenant}/ana"
    said = await stage.cairn("state", who, "--json")
    view = json.loads(said.out)
    assert (said.status, view["who"]) == (0, who)
    (shown,) = view["habits"]
    assert shown["checked"] == sorted(f"{at:%Y-%m-%d}" for at in days)
    assert view["applied_offsets"]["coaching.events.v1"] >= 2
    assert 0 < view["bytes"] < 600
    for_people = (await stage.cairn("state", who)).out
    assert "habit run: 3 days now, 3 at most" in for_people
    assert "[■]" in for_people


async def test_a_client_whom_nobody_knows_is_told_with_status_1(stage: Stage) -> None:
    said = await stage.cairn("state", f"{stage.tenant}/nobody")
    assert (said.status, said.out) == (1, "")
    assert f"The tracker knows nobody called nobody at {stage.tenant}" in said.err


async def test_what_is_no_client_is_wrong_input(stage: Stage) -> None:
    said = await stage.cairn("state", "ana")
    assert said.status == 2
    assert "TENANT/CLIENT" in said.err
