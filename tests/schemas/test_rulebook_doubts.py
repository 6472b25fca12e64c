"""What a rulebook may say and hardly means is told at its place, and refused nowhere."""

import pytest

from schemas.rulebook import read_rulebook
from schemas.rulebook_doubts import doubts

MAJOR = "{channels: [email, gift], gift_cents: 2500, approval: never}"


def doubted(text: str) -> list[str]:
    return [str(fault) for fault in doubts(*read_rulebook(text, "r"))]


def of_rule(words: str, policy: str = "") -> list[str]:
    return doubted(f"rules:\n  - {{id: a, {words}}}\n{policy}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("tier: micro, when: {count: a.b, every: 2}, clients: {share: 0}",
         "rules[0].clients.share: a is for no client, so nobody hears of it"),
        ("tier: micro, when: {count: goal.completed, every: 2}, where: {kind: [core, cor]}",
         "rules[0].where.kind[1]: a waits in vain: kind of goal.completed is never 'cor'; did you mean core?"),
        ("tier: micro, when: {sum: purchase.completed, of: amount_cents, every: 2}, where: {currency: usd}",
         "where.currency[0]: a waits in vain: currency of purchase.completed is never 'usd'; did you mean USD?"),
        ("tier: micro, when: {count: session.completed, every: 2}, where: {kind: ['']}", "is never ''"),
        ("tier: streak, when: {streak: habit.checked, days: [3]}, where: {habit_id: ['']}",
         "a waits in vain: habit_id of habit.checked is never ''"),
        ("tier: micro, when: {percent: course.progressed, reaches: [50]}, where: {percent: [high]}", "never 'high'"),
        ("tier: streak, when: {streak: habit.checked, days: [30, 36501]}",
         "rules[0].when.days: a waits in vain: no streak is longer than 36500 days"),
        ("tier: micro, when: {value: course.progressed, of: percent, reaches: [50, 100.5]}",
         "rules[0].when.reaches[1]: a waits in vain for 100.5: percent lies between 0 and 100"),
        ("tier: micro, when: {value: streak.reported, of: days, falls_to: [-1]}", "days lies between 0 and 36500"),
        ("tier: micro, when: {count: session.completed, per: session_id, reaches: [1, 2]}",
         "rules[0].when.reaches: a waits in vain: one session_id is counted once, so never 2 times"),
        ("tier: micro, when: {count: purchase.completed, per: order_id, every: 3}", "when.every: a waits in vain"),
        ("tier: micro, when: {count: a.b, every: 2}, channels: [gift]",
         "rules[0].channels: a micro milestone costs nothing, so its gift is never given"),
        ("tier: major, when: {count: a.b, every: 2}, gift_cents: 0",
         "tiers.major.channels: names a gift, but no gift_cents: nothing is given"),
        ("tier: major, when: {count: a.b, every: 2}, channels: [email], gift_cents: 100",
         "rules[0].gift_cents: names money, but no gift among the channels: it is never given"),
        ("tier: major, when: {count: a.b, every: 2}, approval: never",
         "rules[0].approval: 2500 cents are given without anybody's approval"),
        ("tier: nudge, when: {count: a.b, every: 2}, channels: [gift], gift_cents: 100",
         "rules[0].gift_cents: a nudge with a gift rewards whoever stays away"),
    ],
)  # fmt: skip
def test_a_doubt_is_told_at_its_place(words: str, told: str) -> None:
    (found,) = of_rule(words)
    assert told in found


@pytest.mark.parametrize(
    "words",
    [
        "tier: micro, when: {count: program.completed, per: program_id, reaches: [1]}, effective_from: 1999-01-01",
        "tier: micro, when: {count: session.completed, per: session_id, reaches: [1]}",
        "tier: micro, when: {count: goal.completed, every: 2}, where: {kind: [core, step], goal_id: 5}",
        "tier: micro, when: {count: yoga.done, every: 2}, where: {style: [yin], long: true}",
        "tier: micro, when: {value: weight.logged, of: kilos, falls_to: [-1]}",
        "tier: micro, when: {value: course.progressed, of: percent, reaches: [100]}",
        "tier: streak, when: {streak: habit.checked, days: [3]}, where: {habit_id: [run]}",
        "tier: major, when: {count: a.b, every: 2}",
        "tier: micro, enabled: false, when: {count: a.b, every: 2}, clients: {share: 0}",
        "tier: micro, when: {date: birthday}, clients: {share: 0.5}",
    ],
)
def test_what_may_well_be_meant_is_not_doubted(words: str) -> None:
    assert of_rule(words) == []


def test_a_doubt_about_a_tier_is_told_once_where_the_tier_stands() -> None:
    text = f"""\
rules:
  - {{id: a, tier: major, when: {{count: a.b, reaches: [1]}}}}
  - {{id: b, tier: major, when: {{count: a.c, reaches: [1]}}}}
tiers:
  major: {MAJOR}
budget: {{client_month_cents: 2000}}
"""
    assert doubted(text) == [
        "5:36: tiers.major.gift_cents: 2500 cents are more than the budget of a client and month",
        "5:54: tiers.major.approval: 2500 cents are given without anybody's approval",
    ]


def test_a_doubt_about_what_is_unsaid_is_told_where_it_would_stand() -> None:
    text = "rules:\n  - {id: a, tier: major, when: {count: a.b, reaches: [1]}, gift_cents: 0}\n"
    (found,) = doubted(text)
    assert found.startswith("1:1: tiers.major.channels")
