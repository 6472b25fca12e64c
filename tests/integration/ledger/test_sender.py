"""Senders on a real database: asked once more, sent at most once, and recorded as it was."""

import asyncio
from datetime import timedelta

import pytest

from agents.channels.channel import Outcome
from agents.ledger.brakes import held, pause, resume, suppress, unsuppress
from agents.ledger.clients import has_opted_out, opt_in, opt_out
from agents.ledger.deliveries import begin_sending, claim, figures
from agents.ledger.tasks import close_task, open_tasks
from agents.sender import Sender, SenderLimits
from agents.wakeup import Wakeup
from schemas.brake import Pause, Suppression
from tests.integration.ledger.ledger_practice import NOON, Practice, first_session, reached, retracted

HOLD = Suppression(answer="hold", reason="on holiday")
NORTHSTAR = {"tenant": "northstar", "client": "ana"}


async def planned(practice: Practice) -> None:
    """A streak is planned, its in-app message shown, its mail waiting."""
    await practice.meet()
    await practice.hear(reached())


async def test_a_mail_goes_out_once_with_everything_it_needs(practice: Practice) -> None:
    await planned(practice)
    await practice.send()
    await practice.send()
    (message,) = practice.channel.sent
    assert message.to_address == "ana@clients.example"
    assert message.reply_to == "jo@northstar.example"
    assert message.unsubscribe_url == "https://x.example/u/northstar-ana-email"
    assert "30" in message.subject + message.text
    assert message.inline
    assert await practice.states() == {"email": "sent", "in_app": "sent"}
    assert await practice.pool.fetchval("SELECT provider_id FROM deliveries WHERE channel = 'email'") == "q1"


async def test_of_two_senders_one_sends(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(*(reached(rule=f"rule-{n}") for n in range(20)))
    await asyncio.gather(practice.sender().flush(), practice.sender().flush())
    assert len({message.delivery_id for message in practice.channel.sent}) == len(practice.channel.sent) == 20


async def test_a_crash_between_sending_and_recording_is_unknown_and_never_resent(practice: Practice) -> None:
    await planned(practice)
    (claimed,) = await claim(practice.pool, channel="email", now=NOON, limit=9, lease_seconds=60)
    assert await begin_sending(practice.pool, claimed, lease_seconds=60, now=NOON)
    await practice.sweep()
    assert (await practice.states())["email"] == "sending"
    await practice.leases_end()
    await practice.sweep()
    await practice.send()
    assert (await practice.states())["email"] == "unknown:lost_in_sending"
    assert practice.channel.sent == []
    assert await practice.tasks() == [("undelivered", "lost_in_sending")]


async def test_a_claim_whose_sender_died_is_taken_again(practice: Practice) -> None:
    await planned(practice)
    await claim(practice.pool, channel="email", now=NOON, limit=9, lease_seconds=60)
    await practice.send()
    assert practice.channel.sent == []
    await practice.leases_end()
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_sender_that_slept_through_its_lease_sends_nothing(practice: Practice) -> None:
    await planned(practice)
    seen: list[int] = []

    async def sleep_through_it_once() -> None:
        if not seen:
            await practice.leases_end()
        seen.append(len(practice.channel.sent))

    practice.channel.before.append(sleep_through_it_once)
    await practice.sender().flush()
    assert seen == [0, 0]
    assert len(practice.channel.sent) == 1


async def test_a_retraction_between_claim_and_point_of_no_return_stops_it(practice: Practice) -> None:
    await planned(practice)

    async def withdraw() -> None:
        await practice.hear(retracted(reached()))

    practice.channel.before.append(withdraw)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:retracted"


async def test_a_suppression_between_claim_and_point_of_no_return_holds_it(practice: Practice) -> None:
    await planned(practice)

    async def hold() -> None:
        await suppress(practice.pool, **NORTHSTAR, suppression=HOLD, author="jo")

    practice.channel.before.append(hold)
    await practice.sender().flush()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "held:suppressed"


async def test_a_suppressed_mail_goes_on_when_the_suppression_is_lifted(practice: Practice) -> None:
    await planned(practice)
    await suppress(practice.pool, **NORTHSTAR, suppression=HOLD, author="jo")
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
    await suppress(practice.pool, **NORTHSTAR, suppression=suppression, author="jo")
    await practice.sweep()
    assert (await practice.states())["email"] == "held:suppressed"
    await practice.later(hours=4)
    await practice.sweep()
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_suppression_that_drops_closes_what_waits(practice: Practice) -> None:
    await planned(practice)
    await suppress(practice.pool, **NORTHSTAR, suppression=Suppression(answer="drop", reason="asked"), author="jo")
    assert (await practice.states())["email"] == "skipped:suppressed"


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


async def test_consent_that_is_withdrawn_after_planning_holds_at_release(practice: Practice) -> None:
    await planned(practice)
    refused = {"granted": False, "source": "form", "at": NOON.isoformat()}
    await practice.meet(consents={"service": refused})
    await practice.send()
    assert (await practice.states())["email"] == "skipped:no_consent"


async def test_what_waited_too_long_is_closed_and_said(practice: Practice) -> None:
    await planned(practice)
    await practice.later(days=3)
    await practice.sweep()
    await practice.send()
    assert (await practice.states())["email"] == "skipped:expired"
    assert ("email", "skip", "expired") in await practice.decisions()
    assert await practice.tasks() == []


async def test_a_major_that_waited_too_long_is_handed_to_the_coach(practice: Practice) -> None:
    await practice.hear(reached("thirty-six", "major", "count", threshold=36))
    await practice.later(days=8)
    await practice.sweep()
    assert ("undelivered", "expired") in await practice.tasks()


async def test_at_night_it_waits_for_the_morning(practice: Practice) -> None:
    practice.now = NOON + timedelta(hours=10)
    await practice.meet()
    await practice.hear(reached())
    await practice.send()
    assert practice.channel.sent == []
    assert await practice.states() == {"email": "pending:quiet_hours", "in_app": "pending:quiet_hours"}
    await practice.later(hours=10)
    await practice.send()
    assert await practice.states() == {"email": "sent", "in_app": "sent"}


async def test_a_night_that_begins_after_planning_holds_too(practice: Practice) -> None:
    await planned(practice)
    await practice.later(hours=10)
    await practice.send()
    assert (await practice.states())["email"] == "pending:quiet_hours"
    await practice.later(hours=10)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_profile_that_comes_late_is_waited_for(practice: Practice) -> None:
    await practice.hear(reached())
    await practice.send()
    assert (await practice.states())["email"] == "deferred:no_profile"
    await practice.meet()
    await practice.later(minutes=1)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_a_profile_that_never_comes_becomes_a_task(practice: Practice) -> None:
    await practice.hear(reached())
    for _ in range(9):
        await practice.send()
        await practice.later(minutes=1)
    assert (await practice.states())["email"] == "failed:no_profile"
    assert await practice.tasks() == [("undelivered", "no_profile")]


async def test_a_profile_without_address_becomes_a_task(practice: Practice) -> None:
    await practice.meet(email=None)
    await practice.hear(reached())
    for _ in range(9):
        await practice.send()
        await practice.later(minutes=1)
    assert await practice.tasks() == [("undelivered", "no_address")]


async def test_a_missing_fact_goes_to_the_coach_and_no_bracket_to_the_client(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached(occurrence="nonsense", facts={}, threshold=None, value=1))
    await practice.send()
    states = await practice.states()
    assert practice.channel.sent == []
    assert await practice.inbox() == []
    assert states == {"email": "failed:missing_fact", "in_app": "failed:missing_fact"}
    assert await practice.tasks() == [("undelivered", "missing_fact")]


async def test_a_retry_is_bounded_and_then_a_person_takes_over(practice: Practice) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind="retry", detail="421 busy")] * 20
    for _ in range(12):
        await practice.send()
        await practice.later(seconds=1)
    assert (await practice.states())["email"] == "failed:provider_away"
    assert len(practice.channel.answers) == 12
    assert await practice.tasks() == [("undelivered", "provider_away")]


async def test_a_retry_waits_in_real_time(practice: Practice) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind="retry", detail="421 busy")]
    await practice.send()
    await practice.send()
    assert (await practice.states())["email"] == "deferred:provider_away"
    await practice.later(seconds=1)
    await practice.send()
    assert len(practice.channel.sent) == 1


@pytest.mark.parametrize(("kind", "state"), [("rejected", "failed:rejected"), ("unknown", "unknown:lost_in_sending")])
async def test_a_final_answer_is_not_repeated(practice: Practice, kind: str, state: str) -> None:
    await planned(practice)
    practice.channel.answers = [Outcome(kind=kind, detail="550 no such user")]
    await practice.send()
    await practice.later(minutes=5)
    await practice.send()
    assert len(practice.channel.sent) == 1
    assert (await practice.states())["email"] == state
    assert len(await practice.tasks()) == 1


async def test_a_channel_that_breaks_before_the_point_of_no_return_is_tried_again(practice: Practice) -> None:
    await planned(practice)

    async def broken() -> None:
        raise RuntimeError("a bug")

    practice.channel.before.append(broken)
    await practice.sender().flush()
    assert (await practice.states())["email"] == "deferred:provider_away"
    practice.channel.before.clear()
    await practice.later(minutes=1)
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_an_erasure_between_plan_and_release_sends_nothing(practice: Practice) -> None:
    await planned(practice)
    await practice.erase()
    await practice.send()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:erased"


async def test_shadow_mode_that_begins_after_planning_sends_nothing(practice: Practice) -> None:
    await planned(practice)
    practice.set_policy(mode="shadow")
    await practice.send()
    assert (await practice.states())["email"] == "skipped:shadow"


async def test_one_hanging_recipient_delays_nobody(practice: Practice) -> None:
    hanging = asyncio.Event()
    first = True

    async def hang_once() -> None:
        nonlocal first
        if first:
            first = False
            await hanging.wait()

    practice.channel.before.append(hang_once)
    await practice.meet("bo")
    await planned(practice)
    await practice.hear(*(reached(rule=f"rule-{n}", client="bo") for n in range(30)))
    wakeup = Wakeup("").waiter()
    limits = SenderLimits(in_flight=4, poll_seconds=0.05, drain_seconds=0.0)
    sender = Sender(
        "email",
        pool=practice.pool,
        attempts=practice.attempts("email"),
        wakeup=wakeup,
        now=practice.clock,
        limits=limits,
    )
    running = asyncio.create_task(sender.run())
    while len(practice.channel.sent) < 30:
        await asyncio.sleep(0)
        assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(practice.channel.sent) == 30


async def test_a_planned_mail_wakes_its_sender(practice: Practice, database: str) -> None:
    wakeup = Wakeup(database)
    listening = asyncio.create_task(wakeup.run())
    waiter = wakeup.waiter()
    await waiter.wait()
    sender = Sender(
        "email",
        pool=practice.pool,
        attempts=practice.attempts("email"),
        wakeup=waiter,
        now=practice.clock,
        limits=SenderLimits(poll_seconds=3600),
    )
    sending = asyncio.create_task(sender.run())
    await planned(practice)
    await practice.channel.first_sent.wait()
    for task in (sending, listening):
        task.cancel()
    await asyncio.gather(sending, listening, return_exceptions=True)


async def test_what_waits_is_counted_and_a_task_is_closed_once(practice: Practice) -> None:
    await practice.hear(reached(), reached("thirty-six", "major", "count", threshold=36))
    (waiting,) = await figures(practice.pool)
    assert (waiting.channel, waiting.state, waiting.deliveries) == ("email", "pending", 2)
    (task,) = await open_tasks(practice.pool, tenant="northstar")
    assert "certificate" in task.summary
    assert not await close_task(practice.pool, task_id=task.task_id, tenant="another", author="jo")
    assert await close_task(practice.pool, task_id=task.task_id, tenant="northstar", author="jo")
    assert not await close_task(practice.pool, task_id=task.task_id, tenant=None, author="jo")
    assert await open_tasks(practice.pool, tenant=None) == ()


async def test_a_retraction_of_what_the_coach_did_by_hand_asks_for_a_correction(practice: Practice) -> None:
    graduation = reached("thirty-six", "major", "count", threshold=36)
    await practice.hear(graduation)
    (task,) = await open_tasks(practice.pool, tenant=None)
    await close_task(practice.pool, task_id=task.task_id, tenant=None, author="jo")
    await practice.hear(retracted(graduation))
    assert await practice.tasks() == [("correct", "retracted_after_sending")]


async def test_the_cap_is_asked_again_at_release(practice: Practice) -> None:
    practice.set_policy(
        tiers={"nudge": {"channels": ["email"], "cap": {"per_week": 1}, "expires": "30d", "quiet": "send"}}
    )
    await practice.meet()
    nudges = [reached(rule, "nudge", "lapse", threshold=None, value=1) for rule in ("one", "two")]
    await practice.hear(*nudges)
    await practice.pool.execute("UPDATE deliveries SET due_at = $1", NOON)
    await practice.sender().flush()
    assert len(practice.channel.sent) == 1
    assert sorted(row["reason"] or "" for row in await practice.pool.fetch("SELECT reason FROM deliveries")) == [
        "",
        "cap_reached",
    ]


async def test_the_inbox_needs_no_profile(practice: Practice) -> None:
    await practice.hear(first_session(client="stranger"))
    assert len(await practice.inbox()) == 1
