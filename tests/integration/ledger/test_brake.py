"""The brake on a real database: what people stop does not go, and what they let go does."""

from datetime import timedelta

import pytest

from agents.ledger.brakes import held, pause, resume, suppress, unsuppress
from agents.ledger.clients import has_opted_out, opt_in, opt_out
from agents.ledger.sweeping import figures
from agents.ledger.tasks import close_task, open_tasks
from schemas.brake import Pause, Suppression
from tests.integration.ledger.ledger_practice import NOON, Practice, planned, reached, retracted
from tests.integration.ledger.test_one_message import graduation
from tests.streams.planning.planning_cases import NIGHT, consent

HOLD = Suppression(answer="hold", reason="on holiday")
NORTHSTAR = {"tenant": "northstar", "client": "ana"}


async def test_a_suppression_between_claim_and_point_of_no_return_holds_it(practice: Practice) -> None:
    await planned(practice)

    async def hold() -> None:
        await suppress(practice.pool, **NORTHSTAR, suppression=HOLD, author="jo", now=practice.now)

    practice.channel.before.append(hold)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "held:suppressed"


async def test_a_suppressed_mail_goes_on_when_the_suppression_is_lifted(practice: Practice) -> None:
    await planned(practice)
    await suppress(practice.pool, **NORTHSTAR, suppression=HOLD, author="jo", now=practice.now)
    await practice.send()
    (waiting,) = await held(practice.pool, tenant="northstar", now=practice.now)
    assert (waiting.reason, waiting.why, waiting.author) == ("suppressed", "on holiday", "jo")
    assert await unsuppress(practice.pool, **NORTHSTAR, author="jo", now=practice.now)
    assert not await unsuppress(practice.pool, **NORTHSTAR, author="jo", now=practice.now)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_suppression_ends_by_itself(practice: Practice) -> None:
    await planned(practice)
    until = NOON + timedelta(hours=3)
    suppression = Suppression(answer="hold", reason="exam", until=until)
    await suppress(practice.pool, **NORTHSTAR, suppression=suppression, author="jo", now=practice.now)
    await practice.sweep()
    assert (await practice.states())["email"] == "held:suppressed"
    await practice.later(hours=4)
    await practice.sweep()
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_suppression_that_drops_closes_what_waits(practice: Practice) -> None:
    await planned(practice)
    await suppress(
        practice.pool,
        **NORTHSTAR,
        suppression=Suppression(answer="drop", reason="asked"),
        author="jo",
        now=practice.now,
    )
    assert (await practice.states())["email"] == "skipped:suppressed"
    assert ("email", "skip", "suppressed") in await practice.decisions()
    assert await practice.tasks() == [("undelivered", "suppressed")]


async def test_what_a_suppression_drops_is_one_task_for_each_celebration(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet(coach_id="jo", channels={"sms": False})
    await practice.hear(graduation(reached_at=NIGHT))
    waiting = {part for part, state in (await practice.states()).items() if not state.startswith("skipped")}
    assert len(waiting) > 1
    await practice.pool.execute("UPDATE coach_tasks SET state = 'done'")
    await suppress(
        practice.pool,
        **NORTHSTAR,
        suppression=Suppression(answer="drop", reason="bereaved"),
        author="jo",
        now=practice.now,
    )
    (task,) = await open_tasks(practice.pool, tenant="northstar")
    assert (task.kind, task.reason, task.coach) == ("undelivered", "suppressed", "jo")
    assert "the email message did not go" in task.summary
    assert "(bereaved)" in task.summary
    found = await practice.pool.fetch("SELECT part, detail FROM decisions WHERE reason = 'suppressed'")
    assert {(row["part"], row["detail"]) for row in found} == {(part, "bereaved") for part in waiting}


@pytest.mark.parametrize(
    "scope",
    [
        Pause(reason="x"),
        Pause(tenant="northstar", reason="x"),
        Pause(channel="email", reason="x"),
        Pause(rule="iron-streak", reason="x"),
    ],
)
async def test_a_pause_holds_until_it_is_resumed(practice: Practice, scope: Pause) -> None:
    await planned(practice)
    assert await pause(practice.pool, scope, author="jo")
    assert not await pause(practice.pool, scope, author="jo")
    await practice.sweep()
    await practice.send()
    assert (await practice.states())["email"] == "held:paused"
    where = {"tenant": scope.tenant, "channel": scope.channel, "rule": scope.rule}
    assert await resume(practice.pool, **where, author="jo", now=practice.now)
    assert not await resume(practice.pool, **where, author="jo", now=practice.now)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_pause_elsewhere_holds_nothing(practice: Practice) -> None:
    await pause(practice.pool, Pause(tenant="another", reason="x"), author="jo")
    await planned(practice)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_pause_that_came_with_the_plan_is_asked_at_the_claim(practice: Practice) -> None:
    await planned(practice)
    await practice.pool.execute("INSERT INTO pauses (reason, author) VALUES ('x', 'jo')")
    await practice.send()
    assert (await practice.states())["email"] == "held:paused"


async def test_who_opts_out_after_planning_gets_no_mail_and_the_coach_a_task(practice: Practice) -> None:
    await planned(practice)
    assert await opt_out(practice.pool, **NORTHSTAR, channel="email", source="link")
    assert not await opt_out(practice.pool, **NORTHSTAR, channel="email", source="link")
    await practice.send()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:opted_out"
    assert await practice.tasks() == [("undelivered", "opted_out")]


async def test_who_comes_back_to_a_channel_is_reached_again(practice: Practice) -> None:
    await opt_out(practice.pool, **NORTHSTAR, channel="email", source="link")
    assert await has_opted_out(practice.pool, **NORTHSTAR, channel="email")
    assert await opt_in(practice.pool, **NORTHSTAR, channel="email")
    assert not await opt_in(practice.pool, **NORTHSTAR, channel="email")
    await planned(practice)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_what_waits_is_counted_and_a_task_is_closed_once(practice: Practice) -> None:
    await practice.meet("bo", **consent("marketing"))
    await practice.hear(reached(), reached("thirty-six", "major", "count", threshold=36, client="bo"))
    waiting = {each.channel: (each.state, each.deliveries) for each in await figures(practice.pool)}
    assert waiting == {"email": ("pending", 2), "certificate": ("pending", 1)}
    (task,) = await open_tasks(practice.pool, tenant="northstar")
    assert "gift" in task.summary
    assert not await close_task(practice.pool, task_id=task.task_id, tenant="another", author="jo")
    assert await close_task(practice.pool, task_id=task.task_id, tenant="northstar", author="jo")
    assert not await close_task(practice.pool, task_id=task.task_id, tenant=None, author="jo")
    assert await open_tasks(practice.pool, tenant=None) == ()


async def test_a_retraction_of_what_the_coach_did_by_hand_asks_for_a_correction(practice: Practice) -> None:
    graduation = reached("thirty-six", "major", "count", threshold=36)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation)
    (task,) = await open_tasks(practice.pool, tenant=None)
    await close_task(practice.pool, task_id=task.task_id, tenant=None, author="jo")
    await practice.hear(retracted(graduation))
    assert await practice.tasks() == [("correct", "retracted_after_sending")]
