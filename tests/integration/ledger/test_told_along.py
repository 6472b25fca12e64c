"""What happens between a plan and its message: followers, leads and reminders meet withdrawals, wishes and faults."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as revised

from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.ledger.approvals import Decision, decide
from agents.ledger.brakes import pause, resume
from agents.ledger.unknowns import Ruling, resolve
from schemas.brake import Pause
from schemas.celebration import Approved
from tests.integration.ledger.ledger_practice import NOON, Practice, RecordingChannel, first_session, reached, retracted
from tests.integration.ledger.test_one_message import goal, graduation, outcomes, whole
from tests.streams.planning.planning_cases import NIGHT, consent

REFUSED = Outcome(kind="rejected", detail="550")
LOST = Outcome(kind="unknown", detail="no answer")
REMINDED = {"streak": {"channels": ["email", "in_app"], "follow_up": {"channels": ["in_app"], "after": "4h"}}}


async def in_the_morning(practice: Practice) -> None:
    await practice.later(hours=11)
    for _ in range(2):
        await practice.send()
        await practice.sweep()


async def at_night(practice: Practice, *milestones: object) -> None:
    practice.now = NIGHT
    await practice.meet(**consent("marketing", "personal_signals"))
    await practice.hear(*(revised(one, reached_at=NIGHT) for one in milestones))


async def test_a_withdrawn_follower_stays_withdrawn_when_its_lead_cannot_go(practice: Practice) -> None:
    await at_night(practice, graduation(), goal())
    await practice.hear(retracted(goal(reached_at=NIGHT)))
    await practice.meet(channels={"email": False})
    await in_the_morning(practice)
    assert await practice.inbox() == []
    assert (await outcomes(practice))["first-goal"] == "withdrawn"


async def test_who_follows_a_follower_is_told_by_its_lead(practice: Practice) -> None:
    await at_night(practice, goal(), reached())
    await practice.hear(graduation(reached_at=NIGHT))
    await in_the_morning(practice)
    (mail,) = practice.channel.sent
    assert "Run 5 km" in mail.text


async def test_a_lead_that_is_planned_anew_into_nothing_frees_its_followers(practice: Practice) -> None:
    await at_night(practice, graduation(), goal())
    await practice.meet(channels={"email": False})
    await practice.hear(graduation(reached_at=NIGHT, revision=2))
    await in_the_morning(practice)
    assert len(await practice.inbox()) == 1


async def test_a_lead_that_a_person_gives_up_frees_its_followers(practice: Practice) -> None:
    practice.channel.answers = [LOST]
    await at_night(practice, graduation(), goal())
    await practice.later(hours=11)
    await practice.send()
    lost = await practice.pool.fetchval("SELECT delivery_id FROM deliveries WHERE state = 'unknown'")
    assert await resolve(practice.pool, lost, Ruling(answer="give-up", author="jo"), now=practice.now) == "resolved"
    await practice.sweep()
    await practice.send()
    assert len(await practice.inbox()) == 1


async def test_a_lead_planned_anew_in_the_app_still_tells_of_its_followers(practice: Practice) -> None:
    second = reached("second-goal", "micro", "count", threshold=1, facts={"title": "Swim"})
    await practice.meet()
    await practice.hear(first_session())
    await practice.hear(goal(), second)
    practice.now = NOON + timedelta(days=1, minutes=-5)
    await practice.hear(goal(revision=2))
    await practice.send()
    assert any("Swim" in row["text"] for row in await practice.pool.fetch("SELECT text FROM inbox"))


async def test_no_small_win_of_a_full_day_vanishes(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(*(reached(f"goal-{number}", "micro", "count", threshold=1) for number in range(4)))
    assert sorted((await outcomes(practice)).values()) == ["merged", "merged", "merged", "send"]


async def test_what_was_late_before_its_lead_was_withdrawn_waits_for_another_mail(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(first_session())
    await practice.hear(goal())
    await practice.later(days=3)
    await practice.sweep()
    practice.now = NIGHT + timedelta(days=3)
    await practice.hear(graduation(reached_at=practice.now))
    assert (await outcomes(practice))["first-goal"] == "merged"
    await practice.hear(retracted(graduation(reached_at=practice.now)))
    assert await practice.pool.fetchval("SELECT untold FROM celebrations WHERE rule = 'first-goal'")


async def test_a_paused_rule_is_not_told_along_and_goes_by_itself_later(practice: Practice) -> None:
    await at_night(practice, graduation(), goal())
    await pause(practice.pool, Pause(tenant="northstar", rule="first-goal", reason="wrong words"), author="jo")
    await in_the_morning(practice)
    (mail,) = practice.channel.sent
    assert "Run 5 km" not in mail.text
    assert await practice.inbox() == []
    await resume(practice.pool, tenant="northstar", channel=None, rule="first-goal", author="jo", now=practice.now)
    await practice.send()
    assert len(await practice.inbox()) == 1


async def test_something_personal_is_not_told_along_once_consent_is_withdrawn(practice: Practice) -> None:
    tenant = practice.tenants["northstar"]
    rule = tenant.rulebook.by_id["first-goal"].model_copy(update={"personal": True})
    rules = [rule if one.id == rule.id else one for one in tenant.rulebook.rules]
    rulebook = tenant.rulebook.model_copy(update={"rules": tuple(rules)})
    rulebook.__dict__.pop("by_id", None)
    practice.tenants["northstar"] = replace(tenant, rulebook=rulebook)
    await at_night(practice, graduation(), goal())
    await practice.meet(**consent(refused=("personal_signals",)))
    await in_the_morning(practice)
    (mail,) = practice.channel.sent
    assert "Run 5 km" not in mail.text
    assert await practice.inbox() == []
    assert ("undelivered", "no_consent") in await practice.tasks()


async def test_what_a_coach_has_approved_goes_as_it_was_approved(practice: Practice) -> None:
    tiers = {"streak": {"channels": ["email"], "approval": "always"}, "major": {"channels": ["email"], "expires": "7d"}}
    practice.set_policy(tiers=tiers)
    await practice.meet()
    await practice.hear(reached())
    asked = await practice.pool.fetchval("SELECT celebration_id FROM approvals")
    words = {"email": Approved(subject="My own words", paragraphs=("Hello Ana, well done.",))}
    practice.now = NIGHT
    decision = Decision(ruling="approve", author="jo", words=words)
    await decide(practice.pool, asked, decision, tenant=None, now=practice.now)
    await practice.hear(graduation(reached_at=NIGHT))
    await in_the_morning(practice)
    assert {mail.subject for mail in practice.channel.sent} > {"My own words"}


class CrossingFirst(RecordingChannel):
    """Crosses the point of no return before it answers."""

    def __init__(self, *answers: Outcome) -> None:
        super().__init__()
        self.answers.extend(answers)

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        assert await point_of_no_return()
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else Outcome(kind="accepted", detail="250")


@pytest.mark.parametrize("answer", ["retry", "resend"])
async def test_a_certificate_goes_with_the_second_attempt_too(practice: Practice, answer: str) -> None:
    whole(practice)
    practice.channel = CrossingFirst(LOST if answer == "resend" else Outcome(kind="retry", detail="451"))
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await practice.send()
    if answer == "resend":
        lost = await practice.pool.fetchval("SELECT delivery_id FROM deliveries WHERE state = 'unknown'")
        await resolve(practice.pool, lost, Ruling(answer="resend", author="jo"), now=practice.now)
    await practice.later(minutes=10)
    await practice.send()
    assert [len(mail.attachments) for mail in practice.channel.sent] == [1, 1]


async def test_a_certificate_falls_to_the_app_when_its_mail_is_refused(practice: Practice) -> None:
    practice.set_policy(tiers={"major": {"channels": ["email", "in_app", "certificate"], "expires": "7d"}})
    practice.channel = CrossingFirst(REFUSED)
    await at_night(practice, graduation())
    await practice.later(hours=11)
    await practice.sender("email").flush()
    await practice.sender("in_app").flush()
    await practice.sweep()
    assert (await practice.states())["certificate"] == "sent"


async def test_a_certificate_does_not_expire_under_a_mail_that_is_on_its_way(practice: Practice) -> None:
    whole(practice)
    practice.channel = CrossingFirst(LOST)
    await practice.meet()
    await practice.hear(graduation())
    await practice.send()
    await practice.later(days=8)
    await practice.sweep()
    assert (await practice.states())["certificate"] == "pending"


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_referral_is_asked_for_once_in_its_cool_down(practice: Practice, at_once: bool) -> None:
    whole(practice)
    majors = graduation(), reached("core-goal", "major", "count", threshold=1)
    if at_once:
        await at_night(practice, *majors)
    else:
        for major in majors:
            await at_night(practice, major)
    await in_the_morning(practice)
    assert len(practice.channel.sent) == 2
    assert await practice.pool.fetchval("SELECT count(*) FROM referrals") == 1


async def test_a_reminder_waits_its_while_after_an_approval(practice: Practice) -> None:
    practice.set_policy(tiers=REMINDED, approval="always")
    await practice.meet()
    await practice.hear(reached())
    asked = await practice.pool.fetchval("SELECT celebration_id FROM approvals")
    practice.now = NOON + timedelta(hours=2)
    await decide(practice.pool, asked, Decision(ruling="approve", author="jo"), tenant=None, now=practice.now)
    await practice.send()
    assert (len(practice.channel.sent), await practice.inbox()) == (1, [])
    await practice.later(hours=3, minutes=59)
    await practice.send()
    assert await practice.inbox() == []
    await practice.later(minutes=1)
    await practice.send()
    assert len(await practice.inbox()) == 1


async def test_a_reminder_waits_its_while_after_a_pause(practice: Practice) -> None:
    practice.set_policy(tiers=REMINDED)
    await pause(practice.pool, Pause(tenant="northstar", reason="looking"), author="jo")
    await practice.meet()
    await practice.hear(reached())
    practice.now = NOON + timedelta(hours=2)
    await resume(practice.pool, tenant="northstar", channel=None, rule=None, author="jo", now=practice.now)
    await practice.send()
    assert (len(practice.channel.sent), await practice.inbox()) == (1, [])
