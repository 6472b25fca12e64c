"""Each part of a celebration that a person has to see to is asked for, once."""

from agents.channels.channel import Outcome
from agents.ledger.tasks import close_task
from agents.ledger.unknowns import Ruling, resolve, unknown_deliveries
from tests.integration.ledger.ledger_practice import Practice, reached
from tests.integration.ledger.test_one_message import graduation
from tests.streams.planning.planning_cases import NIGHT

REFUSED = Outcome(kind="rejected", detail="550 no such user")


async def at_night(practice: Practice) -> None:
    """A graduation's mail and in-app message wait for the morning, which comes."""
    practice.set_policy(
        tiers={
            "major": {"channels": ["email", "in_app"], "expires": "7d"},
            "streak": {"channels": ["email", "in_app"], "expires": "48h"},
            "micro": {"channels": ["in_app"], "expires": "24h"},
        }
    )
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT))
    await practice.later(hours=11)


async def both_are_lost(practice: Practice) -> None:
    await practice.pool.execute("UPDATE deliveries SET state = 'sending', lease_until = now() - interval '1 s'")
    await practice.sweep()


async def do_all(practice: Practice) -> None:
    for row in await practice.pool.fetch("SELECT task_id FROM coach_tasks WHERE state = 'open'"):
        assert await close_task(practice.pool, task_id=row["task_id"], tenant=None, author="jo")


async def test_a_second_part_that_cannot_go_is_asked_for_after_the_first_is_done(practice: Practice) -> None:
    await at_night(practice)
    practice.channel.answers = [REFUSED]
    await practice.sender("email").flush()
    assert await practice.tasks() == [("undelivered", "rejected")]
    await do_all(practice)
    await practice.meet(channels={"in_app": False})
    await practice.sender("in_app").flush()
    assert await practice.tasks() == [("undelivered", "channel_unwanted")]


async def test_each_part_that_may_have_left_is_asked_about(practice: Practice) -> None:
    await at_night(practice)
    await both_are_lost(practice)
    assert await practice.tasks() == [("undelivered", "lost_in_sending")] * 2


async def test_what_is_known_of_one_part_closes_its_own_task_alone(practice: Practice) -> None:
    await at_night(practice)
    await both_are_lost(practice)
    mail = next(one for one in await unknown_deliveries(practice.pool, tenant=None) if one.channel == "email")
    ruling = Ruling(answer="sent", author="jo")
    assert await resolve(practice.pool, mail.delivery_id, ruling, now=practice.now) == "resolved"
    (row,) = await practice.pool.fetch("SELECT part, summary FROM coach_tasks WHERE state = 'open'")
    assert row["part"] == "in_app"
    assert "the in_app message" in row["summary"]


async def test_a_task_from_before_tasks_had_parts_waits_for_all_that_are_unknown(practice: Practice) -> None:
    await at_night(practice)
    await both_are_lost(practice)
    await practice.pool.execute("DELETE FROM coach_tasks WHERE part = 'in_app'")
    await practice.pool.execute("UPDATE coach_tasks SET part = ''")
    for left in (1, 0):
        lost = (await unknown_deliveries(practice.pool, tenant=None))[0]
        ruling = Ruling(answer="sent", author="jo")
        assert await resolve(practice.pool, lost.delivery_id, ruling, now=practice.now) == "resolved"
        assert len(await practice.tasks()) == left


async def test_a_part_that_is_refused_when_it_is_sent_once_more_is_asked_for_again(practice: Practice) -> None:
    await practice.meet()
    practice.channel.answers = [Outcome(kind="unknown", detail="no answer"), REFUSED]
    await practice.hear(reached())
    await practice.send()
    (lost,) = await unknown_deliveries(practice.pool, tenant=None)
    ruling = Ruling(answer="resend", author="jo")
    assert await resolve(practice.pool, lost.delivery_id, ruling, now=practice.now) == "resolved"
    assert await practice.tasks() == []
    await practice.send()
    assert await practice.tasks() == [("undelivered", "rejected")]


async def test_messages_that_are_too_late_together_are_one_task(practice: Practice) -> None:
    await at_night(practice)
    await practice.later(days=8)
    await practice.sweep()
    assert await practice.tasks() == [("undelivered", "expired")]
