"""What a client reaches at once is one message; what it carries goes with it; nothing of it vanishes."""

import re
from dataclasses import replace
from datetime import timedelta

from agents.channels.channel import Message
from agents.ledger.approvals import Decision, decide
from agents.ledger.brakes import pause, resume
from agents.ledger.sweeping import drop_uncarried
from schemas.brake import Pause
from schemas.milestone import Milestone
from schemas.rules import Reward
from schemas.tenant import Gifts, Referral
from tests.integration.ledger.ledger_practice import NOON, Practice, first_session, reached, retracted
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


async def test_phrasings_go_on_and_the_first_message_is_known(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session())
    await practice.later(days=1)
    await practice.hear(goal(reached_at=practice.now))
    rows = await practice.pool.fetch("SELECT phrase, is_first FROM celebrations ORDER BY planned_at")
    assert [row["is_first"] for row in rows] == [True, False]
    assert rows[1]["phrase"] == rows[0]["phrase"] + 1


async def test_what_was_not_told_leaves_the_first_message_to_come(practice: Practice) -> None:
    practice.set_policy(mode="shadow")
    await practice.meet()
    await practice.hear(first_session(), reached())
    practice.set_policy(mode="live")
    await practice.later(days=1)
    await practice.hear(graduation(reached_at=practice.now))
    assert await practice.pool.fetchval("SELECT is_first FROM celebrations WHERE mode = 'live'")
    await practice.send()
    assert [is_welcome(mail) for mail in practice.channel.sent] == [True]


async def test_the_first_message_takes_over_what_a_merged_one_would_have_been(practice: Practice) -> None:
    practice.now = NIGHT
    await practice.meet()
    await practice.hear(reached(reached_at=NIGHT))
    await practice.hear(graduation(reached_at=NIGHT))
    rows = await practice.pool.fetch("SELECT rule, is_first FROM celebrations")
    assert {row["rule"]: row["is_first"] for row in rows} == {"iron-streak": True, "thirty-six": True}


async def test_of_two_first_messages_that_wait_the_second_is_no_longer_the_first(practice: Practice) -> None:
    await practice.meet()
    await pause(practice.pool, Pause(tenant="northstar", reason="looking"), author="jo")
    await practice.hear(reached())
    await practice.hear(graduation())
    await resume(practice.pool, tenant="northstar", channel=None, rule=None, author="jo", now=practice.now)
    await practice.sender().flush()
    assert [is_welcome(mail) for mail in practice.channel.sent] == [True, False]


async def test_what_did_not_go_takes_no_phrasing(practice: Practice) -> None:
    practice.set_policy(tiers={"micro": {"channels": ["in_app"], "expires": "24h", "cap": {"per_day": 1}}})
    await practice.meet()
    for day in range(3):
        practice.now = NOON + timedelta(days=day)
        wins = [reached(f"w{day}-{n}", "micro", "count", threshold=1, reached_at=practice.now) for n in range(3)]
        await practice.hear(*wins)
    told = await practice.pool.fetch("SELECT phrase FROM celebrations WHERE outcome = 'send' ORDER BY planned_at")
    first = told[0]["phrase"]
    assert [row["phrase"] for row in told] == [first, first + 1, first + 2]


async def test_a_reward_grows_within_a_batch_and_by_the_time_of_the_win(practice: Practice) -> None:
    growing(practice)
    await practice.meet(**consent("marketing"))
    wins = [graduation(threshold=36 * (n + 1), reached_at=practice.now + timedelta(seconds=n)) for n in range(3)]
    await practice.hear(wins[2], wins[0], wins[1])
    assert await gifts(practice) == {36: None, 72: "$10", 108: "$25"}
    await practice.hear(graduation(threshold=72, reached_at=wins[1].reached_at, revision=2))
    assert await gifts(practice) == {36: None, 72: "$10", 108: "$25"}


def growing(practice: Practice) -> None:
    tenant = practice.tenants["northstar"]
    rule = tenant.rulebook.by_id["thirty-six"].model_copy(
        update={"reward": Reward(cents=(0, 1000, 2500)), "moment": None}
    )
    rulebook = tenant.rulebook.model_copy(update={"rules": (rule,)})
    rulebook.__dict__.pop("by_id", None)
    practice.tenants["northstar"] = replace(tenant, rulebook=rulebook)


def is_welcome(mail: Message) -> bool:
    return "This is the first message of its kind" in mail.text


async def gifts(practice: Practice) -> dict[int, str | None]:
    rows = await practice.pool.fetch(
        "SELECT (m.record ->> 'threshold')::int AS threshold, t.summary FROM milestones m"
        " JOIN celebrations c USING (milestone_id) LEFT JOIN coach_tasks t ON t.celebration_id = c.celebration_id"
    )
    found = {row["threshold"]: re.search(r"(\$\d+) gift", row["summary"] or "") for row in rows}
    return {threshold: match and match[1] for threshold, match in found.items()}


async def test_a_reward_grows_with_each_time(practice: Practice) -> None:
    growing(practice)
    await practice.meet(**consent("marketing"))
    summaries = []
    for times, threshold in enumerate((36, 72, 108)):
        practice.now += timedelta(days=times)
        await practice.hear(graduation(threshold=threshold, reached_at=practice.now))
        summaries.append(await practice.pool.fetchval("SELECT summary FROM coach_tasks ORDER BY task_id DESC LIMIT 1"))
    assert "gift" not in summaries[0]
    assert "$10 gift" in summaries[1]
    assert "$25 gift" in summaries[2]


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
