"""`cairn amnesty` on a real broker, with the real tracker's changelog."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.milestone import REACHED, RETRACTED
from schemas.topics import EVENTS
from tests.integration.history.stage import Said, Stage, habit

RULES = """
defaults: {grace_hours: 0}
rules:
  - {id: five, tier: streak, when: {streak: habit.checked, per: habit_id, days: [5]}, repeat: per-streak}
  - {id: broken, tier: nudge, when: {lapse: five, min_days: 3}}
"""


async def amnesty(
    stage: Stage, *more: str, tenant: str | None = None, days: tuple[str, str] = ("2026-05-02", "2026-05-04")
) -> Said:
    return await stage.cairn(
        "amnesty", "--tenant", tenant or stage.tenant, "--from", days[0], "--until", days[1],
        "--reason", "hooks were down", "--author", "ops", *more,
    )  # fmt: skip


async def pauses(stage: Stage) -> list[dict[str, Any]]:
    events = [json.loads(record.value or b"") for record in await stage.records(EVENTS)]
    return [event for event in events if event["type"] == "streak.paused"]


async def test_everybody_with_a_profile_or_an_unread_event_is_paused(stage: Stage) -> None:
    await stage.profile("ana", {"timezone": "Asia/Tokyo"})
    await stage.event(habit("ben", 1, tenant=stage.tenant))
    await stage.event(habit("cem", 1, tenant=f"{stage.tenant}-other"))
    said = await amnesty(stage)
    assert (said.status, said.err) == (0, "")
    assert f"2 clients of {stage.tenant} are paused" in said.out
    found = await pauses(stage)
    assert sorted(event["subject"] for event in found) == ["ana", "ben"]
    assert found[0]["data"] == {
        "from": "2026-05-02", "until": "2026-05-04", "reason": "hooks were down", "author": "ops",
    }  # fmt: skip


async def test_the_tracker_takes_it_and_running_it_twice_says_the_same(stage: Stage, tmp_path: Path) -> None:
    await stage.event(habit("ana", 1, tenant=stage.tenant))
    async with stage.tracker(tmp_path):
        await stage.tracked("ana", 1)
        await amnesty(stage)
        await amnesty(stage)
        await stage.tracked("ana", 3)
    first, second = await pauses(stage)
    assert first["id"] == second["id"]
    assert {**first, "time": 0} == {**second, "time": 0}


async def test_a_streak_goes_on_over_the_days_of_an_amnesty_and_a_lapse_is_taken_back(
    stage: Stage, tmp_path: Path
) -> None:
    today = datetime.now(UTC)
    at = [today - timedelta(days=days) for days in range(7)]

    async def check(days_ago: int) -> None:
        await stage.event(habit("ana", 1, tenant=stage.tenant, id=str(days_ago), time=at[days_ago].isoformat()))

    for days_ago in (6, 5, 4, 3):  # and nothing of the last two days has come
        await check(days_ago)
    async with stage.tracker(tmp_path, RULES):
        lapse = await stage.told("broken", REACHED)
        said = await amnesty(stage, days=(f"{at[2]:%Y-%m-%d}", f"{at[1]:%Y-%m-%d}"))
        assert said.status == 0
        mended = await stage.told("broken", RETRACTED)
        await check(0)
        reached = await stage.told("five", REACHED)
    assert (mended.milestone_id, mended.revision) == (lapse.milestone_id, lapse.revision)
    first_day = f"{at[6]:%Y-%m-%d}"
    assert (reached.value, reached.occurrence) == (5, f"run/{first_day}")
    assert (reached.facts["streak_days"], reached.facts["streak_began_on"]) == (5, first_day)
    assert [(one.rule, one.type) for one in await stage.milestones()] == [
        ("broken", REACHED), ("broken", RETRACTED), ("five", REACHED),
    ]  # fmt: skip
    view = json.loads((await stage.cairn("state", f"{stage.tenant}/ana", "--json")).out)
    assert view["habits"][0]["current_streak"] == 5
    assert view["habits"][0]["paused"] == [f"{at[2]:%Y-%m-%d}", f"{at[1]:%Y-%m-%d}"]


async def test_a_dry_run_counts_and_publishes_nothing(stage: Stage) -> None:
    await stage.profile("ana", {})
    said = await amnesty(stage, "--dry-run")
    assert (said.status, said.out.split(":")[0]) == (0, "Nothing was done")
    assert await pauses(stage) == []


async def test_an_erased_client_is_nobodys(stage: Stage) -> None:
    await stage.event(habit("ana", 1, tenant=stage.tenant))
    await stage.profile("ana", None)
    await stage.profile("ben", {})
    await amnesty(stage)
    assert [event["subject"] for event in await pauses(stage)] == ["ben"]


async def test_a_tenant_without_clients_is_told_with_status_1(stage: Stage) -> None:
    said = await amnesty(stage)
    assert said.status == 1
    assert "has no clients" in said.err


async def test_what_no_event_may_be_is_refused_before_anything_is_read(stage: Stage) -> None:
    said = await amnesty(stage, tenant="a b")
    assert (said.status, said.out) == (2, "")
    assert "wrong_envelope" in said.err
    backwards = await stage.cairn(
        "amnesty", "--tenant", "t", "--from", "2026-05-04", "--until", "2026-05-02", "--reason", "r",
    )  # fmt: skip
    assert (backwards.status, backwards.err) == (2, "--until must not lie before --from.\n")
