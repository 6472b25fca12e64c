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


async def test_the_tenants_own_rulebook_names_what_is_counted_where_its_folder_is(stage: Stage, tmp_path: Path) -> None:
    rules = "rules: [{id: mat, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga]}}]\n"
    session = habit("ana", 1, tenant=stage.tenant, type="session.completed", data={"session_id": "s", "kind": "yoga"})
    await stage.event(session)
    async with stage.tracker(tmp_path, rules):
        await stage.tracked("ana", 1)
    who, own = f"{stage.tenant}/ana", tmp_path / stage.tenant / "rulebook.yaml"
    for_people = (await stage.cairn("state", who, CAIRN_TENANTS_DIR=str(tmp_path))).out
    assert f"rulebook: {own}, version 1" in for_people
    assert "session.completed where kind yoga" in for_people
    assert all(len(line) <= 80 for line in for_people.splitlines() if str(own) not in line)
    assert "\x1b" not in for_people
    with_starter = json.loads((await stage.cairn("state", who, "--json")).out)
    assert (with_starter["rulebook"]["given"], with_starter["rulebook"]["is_given"]) == ("the starter", False)
    named = json.loads((await stage.cairn("state", who, "--json", "--rules", own)).out)
    assert (named["rulebook"]["given"], named["rulebook"]["is_given"]) == (str(own), True)


async def test_a_rulebook_that_cannot_be_read_is_wrong_input(stage: Stage, tmp_path: Path) -> None:
    said = await stage.cairn("state", f"{stage.tenant}/ana", "--rules", tmp_path / "none.yaml")
    assert (said.status, said.out) == (2, "")
    assert "none.yaml" in said.err


async def test_a_client_whom_nobody_knows_is_told_with_status_1(stage: Stage) -> None:
    said = await stage.cairn("state", f"{stage.tenant}/nobody")
    assert (said.status, said.out) == (1, "")
    assert f"The tracker knows nobody called nobody at {stage.tenant}" in said.err


async def test_what_is_no_client_is_wrong_input(stage: Stage) -> None:
    said = await stage.cairn("state", "ana")
    assert said.status == 2
    assert "TENANT/CLIENT" in said.err
