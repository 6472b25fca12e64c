"""A tenant that suddenly sends many times what it usually does is paused."""

import pytest

from agents.ledger.brakes import pauses_in_force, resume
from agents.surge import SurgeBrake
from tests.integration.ledger.ledger_practice import Practice, planned, reached


async def usual(practice: Practice, *, hours: int, deliveries: int) -> None:
    await practice.pool.execute(
        """
        INSERT INTO hourly_sends (tenant, hour, deliveries)
        SELECT 'northstar', date_trunc('hour', now()) - make_interval(hours => n), $2 FROM generate_series(3, $1) AS n
        """,
        hours,
        deliveries,
    )


async def paused(practice: Practice) -> list[str]:
    await SurgeBrake(practice.pool, lambda: practice.tenants).look()
    return [pause.reason for pause in await pauses_in_force(practice.pool)]


@pytest.mark.parametrize(
    ("hours", "deliveries", "floor", "pauses"),
    [(48, 0, 1, 1), (48, 2, 1, 0), (48, 0, 2, 0), (20, 0, 1, 0)],
    ids=["far more than usual", "as usual", "too few to matter", "not known for a day yet"],
)
async def test_what_is_too_much_is_held(
    practice: Practice, hours: int, deliveries: int, floor: int, pauses: int
) -> None:
    practice.set_policy(surge={"times": 2, "floor": floor})
    await usual(practice, hours=hours, deliveries=deliveries)
    await planned(practice)
    await practice.send()
    assert len(await paused(practice)) == pauses


async def test_a_surge_is_held_until_a_person_goes_on_and_not_again_at_once(practice: Practice) -> None:
    practice.set_policy(surge={"times": 2, "floor": 1})
    await usual(practice, hours=48, deliveries=0)
    await planned(practice)
    await practice.send()
    (reason,) = await paused(practice)
    assert reason.startswith("2 messages in an hour, usually 0")
    await practice.meet("bo")
    await practice.hear(reached(client="bo"))
    await practice.send()
    assert len(practice.channel.sent) == 1
    await resume(practice.pool, tenant="northstar", channel=None, rule=None, author="jo", now=practice.now)
    assert await paused(practice) == []
    await practice.send()
    assert len(practice.channel.sent) == 2


async def test_hours_that_are_over_are_counted_once(practice: Practice) -> None:
    await planned(practice)
    await practice.send()
    await practice.pool.execute("UPDATE deliveries SET finished_at = date_trunc('hour', now()) - interval '1 minute'")
    for _ in range(2):
        await SurgeBrake(practice.pool, lambda: practice.tenants).look()
    assert await practice.pool.fetchval("SELECT sum(deliveries) FROM hourly_sends") == 2
