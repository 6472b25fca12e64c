"""What stands to a client's account as a milestone is planned: first words, the next phrasing, what a reward is."""

import re
from dataclasses import replace
from datetime import timedelta

from agents.channels.channel import Message
from agents.ledger.brakes import pause, resume
from schemas.brake import Pause
from schemas.rules import Reward
from tests.integration.ledger.ledger_practice import NOON, Practice, first_session, reached
from tests.integration.ledger.test_one_message import goal, graduation
from tests.streams.planning.planning_cases import NIGHT, consent

WELCOME = "This is the first message of its kind"


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


async def test_what_was_shown_in_the_app_was_the_first_message(practice: Practice) -> None:
    await practice.meet()
    await pause(practice.pool, Pause(tenant="northstar", reason="looking"), author="jo")
    await practice.hear(reached())
    await practice.hear(reached("second-streak"))
    await resume(practice.pool, tenant="northstar", channel=None, rule=None, author="jo", now=practice.now)
    await practice.send()  # the app's messages first
    shown = await practice.pool.fetch("SELECT text FROM inbox ORDER BY position")
    assert [WELCOME in row["text"] for row in shown] == [True, False]
    assert [is_welcome(mail) for mail in practice.channel.sent] == [False, False]


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
    return WELCOME in mail.text


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
