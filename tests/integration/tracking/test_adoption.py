"""A rulebook that changes under a running tracker is adopted: what was passed is not told, and dates begin to run."""

from datetime import UTC, datetime
from typing import Any

from schemas.milestone import Milestone
from schemas.topics import CLIENTS, EVENTS
from tests.integration.tracking.stage import TrackerStage, clock_at

FIRST = "{id: first, tier: micro, when: {count: session.completed, reaches: [1]}}"
REGULAR = "{id: regular, tier: micro, when: {count: session.completed, reaches: [2, 4]}}"
BIRTHDAY = '{id: birthday, tier: micro, when: {date: birthday, at: "09:00"}}'
MOST = 1_000_000  # times as fast as the real clock: a year passes in half a minute


def rulebook(version: int, *rules: str) -> str:
    return "\n".join([f"version: {version}", "rules:", *[f"  - {rule}" for rule in rules]]) + "\n"


def session(number: int) -> dict[str, Any]:
    return {
        "id": f"e{number}", "source": "app", "type": "session.completed", "subject": "ann", "tenantid": "iron",
        "time": f"2026-01-0{number}T09:00:00Z", "data": {"session_id": f"s{number}"},
    }  # fmt: skip


def said(told: list[Milestone], client: str) -> list[tuple[str, Any]]:
    return [(each.rule, each.threshold) for each in told if each.client == client]


async def test_a_new_rule_on_a_known_counter_tells_only_what_is_reached_from_now_on(stage: TrackerStage) -> None:
    stage.write_tenant("iron", rulebook(1, FIRST))
    await stage.track(clock_at(datetime(2026, 2, 1, tzinfo=UTC)))
    for number in (1, 2, 3):
        await stage.tell(EVENTS, "iron/ann", session(number))
    before = await stage.until_state("iron/ann", lambda known: [*known.state.counts.values()] == [3])
    stage.write_tenant("iron", rulebook(2, FIRST, REGULAR))
    adopted = await stage.until_state("iron/ann", lambda known: known.state.stamp != before.state.stamp)
    (award,) = adopted.state.awards["regular\x1f2"]
    assert (award.held, award.told) == (True, False)
    await stage.tell(EVENTS, "iron/ann", session(4))
    told = await stage.until_told(lambda told: len(said(told, "ann")) >= 2)
    await stage.stop()
    assert said(told, "ann") == said(await stage.told(), "ann") == [("first", 1), ("regular", 4)]


async def test_a_date_fires_for_a_client_who_never_sends_an_event(stage: TrackerStage) -> None:
    """Whenever the rule comes, one of the twelve has a birthday within a month, which is three seconds."""
    stage.write_tenant("iron", rulebook(1, FIRST))
    for month in range(1, 13):
        await stage.tell(CLIENTS, f"iron/born-{month}", {"birthday": f"{month:02}-15"})
    await stage.track({**clock_at(datetime(2026, 1, 1, tzinfo=UTC)), "CAIRN_CLOCK_SPEED": str(MOST)})
    await stage.until_state("iron/born-1", lambda known: known.deadline_ms is None)
    stage.write_tenant("iron", rulebook(2, FIRST, BIRTHDAY))
    await stage.until_told(lambda told: len(told) > 1)
    await stage.stop()
    told = await stage.told()
    assert {each.rule for each in told} == {"birthday"}
    assert [f"{each.reached_at:%m-%d %H:%M}" for each in told] == [
        f"{int(each.client.removeprefix('born-')):02}-15 09:00" for each in told
    ]
    assert len({each.milestone_id for each in told}) == len(told)
