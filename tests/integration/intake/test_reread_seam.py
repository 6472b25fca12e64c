"""The seam between Acuity's hooks and its re-read: no gap, and nothing twice."""

import pytest

from tests.integration.intake.stage import NOW, Stage, booking, clock_at
from tests.integration.intake.test_polls import at
from tests.integration.intake.test_rereads import DAY, HOUR, INSTANT, reread, run, said


async def hook(stage: Stage, action: str, appointment_id: int = 54321) -> None:
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), action, appointment_id)


async def live_through(stage: Stage, *, poll_first: bool) -> list[tuple[str, str]]:
    """An appointment's life, each chapter told by hook and re-read, in one order or the other."""
    now = NOW

    async def chapter(*actions: str) -> None:
        nonlocal now
        now += 7 * HOUR
        if poll_first:
            assert await run(stage, now)
        for action in actions:
            await hook(stage, action)
        if not poll_first:
            assert await run(stage, now)

    stage.acuity.book(booking(starts_at=NOW + 3 * DAY))
    await chapter("scheduled", "changed")
    stage.acuity.move(54321, starts_at=NOW + 4 * DAY)
    await chapter("rescheduled")
    stage.acuity.label(54321, "Completed")
    await chapter("changed")
    stage.acuity.cancel(54321, no_show=True)
    await chapter("canceled", "changed")
    return await said(stage)


@pytest.mark.parametrize("poll_first", [True, False])
async def test_hook_and_reread_say_the_same_events_in_either_order(stage: Stage, poll_first: bool) -> None:
    records = await live_through(stage, poll_first=poll_first)
    assert list(dict.fromkeys(type_ for type_, _ in records)) == [
        "session.booked",
        "session.rescheduled",
        "session.completed",
        "session.no_show",
    ]
    assert len(set(records)) == 4
    assert len(records) == 6 + 4
    assert len(await stage.profiles()) == 1


async def test_what_hook_and_reread_said_has_the_same_content(stage: Stage) -> None:
    stage.acuity.book(booking())
    await hook(stage, "scheduled")
    await run(stage)
    first, second = [
        (event.id, event.client, event.type, event.occurred_at, event.data) for event in await stage.events()
    ]
    assert first == second


async def test_a_move_whose_hook_was_lost_is_a_reschedule_that_is_newer(stage: Stage) -> None:
    stage.acuity.book(booking(starts_at=NOW + DAY))
    await hook(stage, "scheduled")
    await run(stage)
    stage.acuity.move(54321, starts_at=NOW + 2 * DAY)
    await run(stage, NOW + 7 * HOUR)
    *_, before, moved = await stage.events()
    assert moved.type == "session.rescheduled"
    assert moved.data.starts_at == NOW + 2 * DAY
    assert moved.occurred_at > before.occurred_at
    await run(stage, NOW + 14 * HOUR)
    assert len(await said(stage)) == 3


async def test_a_state_is_dated_before_it_was_asked_for(stage: Stage) -> None:
    stage.acuity.book(booking())
    stage.acuity.cancel(54321)
    clock = clock_at(NOW)
    poll = reread(stage)
    poll._now = clock.now
    await at(stage, NOW + INSTANT).run_if_due(poll)
    (canceled,) = await stage.events()
    assert NOW - INSTANT <= canceled.occurred_at <= clock.now()


async def test_a_new_address_of_a_client_is_a_change(stage: Stage) -> None:
    stage.acuity.book(booking(first_name="Ana"))
    await run(stage)
    stage.acuity.appointments[54321]["lastName"] = "Huber"
    await run(stage, NOW + 7 * HOUR)
    assert [profile.name for _, profile in await stage.profiles() if profile] == ["Ana Berger", "Ana Huber"]
    assert len(set(await said(stage))) == 1
