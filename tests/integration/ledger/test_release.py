"""Release on a real database: what planning asked is asked once more."""

from datetime import timedelta

import pytest

from agents.channels.channel import Attachment
from tests.integration.ledger.ledger_practice import NOON, Practice, first_session, planned, reached


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
    await practice.hear(reached("anniversary", "streak", "date", threshold=None, value=1, facts={}))
    await practice.send()
    states = await practice.states()
    assert practice.channel.sent == []
    assert await practice.inbox() == []
    assert states == {"email": "failed:missing_fact", "in_app": "failed:missing_fact"}
    assert await practice.tasks() == [("undelivered", "missing_fact")]


async def test_a_certificate_that_cannot_be_drawn_leaves_its_mail_to_the_coach_at_once(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undrawable(*_occasion: object, **_of: object) -> Attachment:
        raise UnicodeEncodeError("latin-1", "Ana", 0, 1, "no glyph")

    monkeypatch.setattr("agents.telling.certificate_attachment", undrawable)
    practice.set_policy(tiers={"major": {"channels": ["email", "certificate"], "expires": "7d"}})
    await practice.meet()
    await practice.hear(reached("thirty-six", "major", "count", threshold=36))
    await practice.send()
    assert (await practice.states())["email"] == "failed:not_made"
    assert practice.channel.sent == []
    assert await practice.tasks() == [("undelivered", "not_made")]


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


async def test_a_tombstone_from_anywhere_empties_the_intakes_copy_too(practice: Practice) -> None:
    await practice.meet()
    await practice.pool.execute(
        "INSERT INTO published_profiles (tenant, client, profile) VALUES ('northstar', 'ana', '{\"name\": \"Ana\"}')"
    )
    await practice.erase()
    await practice.erase("stranger")
    rows = await practice.pool.fetch("SELECT profile, erased_at FROM published_profiles")
    assert [row["profile"] for row in rows] == [None, None]
    assert all(row["erased_at"] for row in rows)


async def test_what_may_not_go_now_takes_no_slot_of_its_cap(practice: Practice) -> None:
    slots = "SELECT celebrated_at IS NOT NULL FROM celebrations"
    practice.set_policy(tiers={"streak": {"channels": ["email"], "expires": "48h", "quiet": "hold"}})
    await planned(practice)
    await practice.later(hours=10)
    await practice.send()
    assert await practice.states() == {"email": "pending:quiet_hours"}
    assert await practice.pool.fetchval(slots) is False
    await practice.later(hours=10)
    await practice.send()
    assert await practice.states() == {"email": "sent"}
    assert await practice.pool.fetchval(slots) is True


async def test_a_part_that_may_not_go_leaves_the_slot_of_the_part_that_went(practice: Practice) -> None:
    await planned(practice)
    begun_at = await practice.pool.fetchval("SELECT celebrated_at FROM celebrations")
    practice.set_policy(mode="shadow")
    await practice.send()
    assert await practice.states() == {"email": "skipped:shadow", "in_app": "sent"}
    assert await practice.pool.fetchval("SELECT celebrated_at FROM celebrations") == begun_at


async def test_a_client_who_was_never_met_is_met_when_asked_about(practice: Practice) -> None:
    await practice.hear(reached())
    await practice.pool.execute("DELETE FROM clients")
    await practice.send()
    assert (await practice.states())["email"] == "deferred:no_profile"
