"""What time alone makes due is kept through a crash: it fires once, in its order, by whoever runs then.

Time does not pass in these tests: a tracker is killed, and the next one is started with a later clock.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.milestone import Milestone
from schemas.topics import CLIENTS, EVENTS
from tests.integration.tracking.stage import TrackerStage, clock_at

MONDAY = datetime(2026, 5, 4, 12, tzinfo=UTC)
RULEBOOK = """
version: 1
defaults: {timezone: UTC, grace_hours: 12, session_hold_off_minutes: 60}
rules:
  - {id: session, tier: micro, when: {count: session.completed, reaches: [1]}}
  - {id: run, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3]}, repeat: per-streak}
  - {id: broken, tier: nudge, when: {lapse: run, min_days: 3}}
  - {id: goal, tier: micro, when: {count: goal.completed, reaches: [1]}, settle: 5h}
  - {id: birthday, tier: micro, when: {date: birthday, at: "09:00"}}
"""
DUE = [
    ("goal", "2026-05-04T11:30:00+00:00"),  # when it was crossed; it was told five hours after that
    ("session", "2026-05-04T18:00:00+00:00"),
    ("birthday", "2026-05-05T09:00:00+00:00"),
    ("broken", "2026-05-06T12:00:00+00:00"),
]


def event(name: str, kind: str, at: datetime, **data: Any) -> dict[str, Any]:
    return {
        "id": name, "source": "app", "type": kind, "subject": "ann", "tenantid": "iron", "time": at.isoformat(),
        "data": data,
    }  # fmt: skip


async def say_what_becomes_due(stage: TrackerStage) -> None:
    await stage.tell(CLIENTS, "iron/ann", {"birthday": "05-05"})
    ends = MONDAY + timedelta(hours=6)
    when = {"starts_at": (ends - timedelta(hours=1)).isoformat(), "ends_at": ends.isoformat()}
    said = [
        *[event(f"h{ago}", "habit.checked", MONDAY - timedelta(days=ago), habit_id="run") for ago in (2, 1, 0)],
        event("b", "session.booked", MONDAY - timedelta(hours=2), session_id="s", **when),
        event("g", "goal.completed", MONDAY - timedelta(minutes=30), goal_id="g"),
    ]
    for each in said:
        await stage.tell(EVENTS, "iron/ann", each)


def due(told: list[Milestone]) -> list[tuple[str, str]]:
    return [(each.rule, each.reached_at.isoformat()) for each in told if each.rule != "run"]


async def test_deadlines_outlive_the_tracker_and_fire_once(stage: TrackerStage) -> None:
    stage.write_tenant("iron", RULEBOOK)
    await stage.track(clock_at(MONDAY))
    await say_what_becomes_due(stage)
    stored = await stage.until_state("iron/ann", lambda known: bool(known.state.settling))
    assert stored.state.bookings
    assert stored.state.lapses
    assert stored.state.next_date_ms is not None
    await stage.kill()
    assert due(await stage.told()) == []

    await stage.track(clock_at(MONDAY + timedelta(hours=5)))
    await stage.until_told(lambda told: bool(due(told)))
    await stage.kill()
    assert due(await stage.told()) == DUE[:1]

    await stage.track(clock_at(MONDAY + timedelta(days=4)))
    await stage.until_told(lambda told: len(due(told)) >= len(DUE))
    await stage.kill()
    await stage.track(clock_at(MONDAY + timedelta(days=8)))
    await stage.tell(EVENTS, "iron/ann", event("last", "goal.completed", MONDAY, goal_id="another"))
    await stage.until_state("iron/ann", lambda known: known.applied[EVENTS] > stored.applied[EVENTS])
    await stage.stop()
    told = await stage.told()
    assert due(told) == DUE
    assert [each.facts["inferred"] for each in told if each.rule == "session"] == [True]
    assert {each.revision for each in told} == {1}
