"""What a client reaches at once is one message; what it carries goes with it; nothing of it vanishes."""

import re
from dataclasses import replace

from agents.ledger.approvals import Decision, decide
from agents.ledger.sweeping import drop_uncarried
from schemas.milestone import Milestone
from schemas.tenant import Gifts, Referral
from tests.integration.ledger.ledger_practice import Practice, first_session, reached, retracted
from tests.streams.planning.planning_cases import NIGHT, consent


def goal(**changes: object) -> Milestone:
    return reached("first-goal", "micro", "count", threshold=1, facts={"title": "Run 5 km"}, **changes)


def graduation(**changes: object) -> Milestone:
    return reached("thirty-six", "major", "count", **{"threshold": 36, **changes})


def whole(practice: Practice) -> None:
    """Certificates, badges and referrals go by themselves; nothing waits for a coach."""
    channels = ["email", "certificate", "referral"]
    practice.set_policy(
        tiers={
            "major": {"channels": channels, "expires": "7d"},
            "streak": {"channels": ["email", "in_app", "badge"], "expires": "48h"},
            "micro": {"channels": ["in_app"], "expires": "24h"},
        }
    )
    tenant = practice.tenants["northstar"]
    practice.tenants["northstar"] = replace(tenant, referral=Referral(url="https://northstar.example/{code}"))


async def outcomes(practice: Practice) -> dict[str, str]:
    return {row["rule"]: row["outcome"] for row in await practice.pool.fetch("SELECT rule, outcome FROM celebrations")}


async def test_three_wins_of_one_batch_are_one_mail(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session(), reached(), goal())
    await practice.send()
    assert len(practice.channel.sent) == 1
    (title,) = await practice.inbox()
    assert re.search("30|thirty", title, re.IGNORECASE)
    assert await outcomes(practice) == {"first-session": "merged", "iron-streak": "send", "first-goal": "merged"}
    assert ("in_app", "merge", "merged") in await practice.decisions()


async def test_what_waits_through_the_night_is_told_in_the_morning_with_the_heavier_win(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(reached(reached_at=NIGHT))
    await practice.hear(graduation(reached_at=NIGHT))
    await practice.send()
    assert practice.channel.sent == []
    assert await outcomes(practice) == {"iron-streak": "merged", "thirty-six": "hold"}
    await practice.later(hours=11)
    await practice.send()
    (mail,) = practice.channel.sent
    assert "sessions" in mail.subject.lower()
    assert await practice.inbox() == []


async def test_a_lighter_win_joins_what_waits_already(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT))
    await practice.hear(reached(reached_at=NIGHT))
    assert await outcomes(practice) == {"iron-streak": "merged", "thirty-six": "hold"}


async def test_two_majors_are_two_mails(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(graduation(), reached("core-goal", "major", "count", threshold=1))
    await practice.send()
    assert len(practice.channel.sent) == 2


async def test_when_the_lead_is_withdrawn_the_others_go_by_themselves(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT), reached(reached_at=NIGHT))
    await practice.hear(retracted(graduation(reached_at=NIGHT)))
    assert await outcomes(practice) == {"iron-streak": "send", "thirty-six": "withdrawn"}
    await practice.later(hours=11)
    await practice.send()
    (mail,) = practice.channel.sent
    assert re.search("30|thirty", mail.subject, re.IGNORECASE)


async def test_a_merged_win_that_is_withdrawn_is_not_told(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT), goal(reached_at=NIGHT))
    await practice.hear(retracted(goal(reached_at=NIGHT)))
    await practice.later(hours=11)
    await practice.send()
    (mail,) = practice.channel.sent
    assert "Run 5 km" not in mail.text


async def test_a_merged_win_that_was_told_is_corrected_by_the_coach(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(graduation(), goal())
    await practice.send()
    await practice.hear(retracted(goal()))
    assert ("correct", "retracted_after_sending") in await practice.tasks()


async def test_when_the_lead_cannot_go_the_others_do(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT), goal(reached_at=NIGHT))
    await practice.meet(channels={"email": False})
    await practice.later(hours=11)
    await practice.send()
    await practice.sweep()
    await practice.send()
    assert practice.channel.sent == []
    assert len(await practice.inbox()) == 1


async def test_a_certificate_goes_with_its_mail(practice: Practice) -> None:
    whole(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    assert await practice.states() == {"email": "pending", "certificate": "pending", "referral": "pending"}
    await practice.send()
    await practice.sweep()
    assert await practice.states() == {"email": "sent", "certificate": "sent", "referral": "sent"}
    assert await practice.tasks() == []


async def test_a_referral_is_not_asked_for_when_consent_was_withdrawn_meanwhile(practice: Practice) -> None:
    whole(practice)
    practice.now = NIGHT
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation(reached_at=NIGHT))
    await practice.meet(**consent(refused=("marketing",)))
    await practice.later(hours=11)
    await practice.send()
    await practice.sweep()
    assert await practice.states() == {"email": "sent", "certificate": "sent", "referral": "skipped:not_carried"}


async def test_a_certificate_whose_mail_failed_is_the_coachs(practice: Practice) -> None:
    whole(practice)
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(graduation(reached_at=NIGHT))
    await practice.meet(channels={"email": False})
    await practice.later(hours=11)
    await practice.send()
    await practice.sweep()
    states = await practice.states()
    assert (states["email"], states["certificate"]) == ("skipped:channel_unwanted", "skipped:not_carried")
    assert ("undelivered", "channel_unwanted") in await practice.tasks()


async def test_a_certificate_whose_mail_leaves_between_two_looks_of_the_sweeper_is_not_taken_for_lost(
    practice: Practice,
) -> None:
    whole(practice)
    await practice.meet()
    await practice.hear(graduation())
    await practice.send()
    async with (
        practice.pool.acquire() as connection
    ):  # the sweeper's second look alone: the first came before the mail left
        assert await drop_uncarried(connection) == ()
    await practice.sweep()
    assert (await practice.states())["certificate"] == "sent"


async def test_a_badge_goes_in_the_app_where_no_mail_does(practice: Practice) -> None:
    whole(practice)
    await practice.meet(channels={"email": False})
    await practice.hear(reached())
    assert await practice.states() == {"email": "skipped:channel_unwanted", "in_app": "sent", "badge": "sent"}


async def test_what_came_too_late_is_a_line_of_the_next_mail(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session())
    await practice.hear(goal())  # waits for tomorrow: one small win a day
    await practice.later(days=3)
    await practice.sweep()
    assert await practice.pool.fetchval("SELECT count(*) FROM celebrations WHERE untold") == 1
    await practice.hear(reached(reached_at=practice.now))
    await practice.send()
    assert await outcomes(practice) == {"first-session": "send", "first-goal": "merged", "iron-streak": "send"}


async def test_what_lies_unread_for_a_day_is_a_line_of_the_next_mail(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session())
    await practice.sweep()
    assert await practice.pool.fetchval("SELECT count(*) FROM celebrations WHERE untold") == 0
    await practice.pool.execute("UPDATE inbox SET created_at = now() - interval '24 hours 10 minutes'")
    await practice.sweep()
    assert await practice.pool.fetchval("SELECT count(*) FROM celebrations WHERE untold") == 1


async def test_a_gift_that_is_declined_leaves_its_celebration_merged(practice: Practice) -> None:
    gift = {"channels": ["email", "gift"], "gift_cents": 1000, "approval": "money", "expires": "7d"}
    practice.set_policy(tiers={"program": gift})
    practice.tenants["northstar"] = replace(practice.tenants["northstar"], gifts=Gifts(products=("AMAZON",)))
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation(), reached("half", "program", "count", threshold=50))
    half = await practice.pool.fetchval("SELECT celebration_id FROM celebrations WHERE rule = 'half'")
    no = Decision(ruling="decline", author="jo")
    decided = await decide(practice.pool, half, no, tenant=None, now=practice.now)
    assert decided is not None
    assert decided.done
    assert (await outcomes(practice))["half"] == "merged"
