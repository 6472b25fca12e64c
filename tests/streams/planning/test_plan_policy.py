"""Every part of the policy: who does it, who is asked, what is given, and what waits for what."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.brake import Suppression
from schemas.celebration import Ask
from schemas.policy import Cap, Policy
from schemas.rules import Rule
from streams.planning.account import Account, first_phrase
from streams.planning.answer import KEEPSAKES, MESSAGES, SENDABLE, Override, answer_for, override_of
from streams.planning.history import Past
from streams.planning.plan import Setting, plan
from tests.streams.planning.planning_cases import NIGHT, NOON, client, consent, policy, won

ALL = Setting(channels=SENDABLE)
SPENDING = {"tiers": {"major": {"channels": ["email", "gift"], "gift_cents": 2500, "expires": "7d"}}}
GENEROUS: dict[str, Any] = {
    "milestone": won("major"),
    "policy": policy(**SPENDING, approval="never"),
    "client": client(**consent("marketing")),
    "setting": ALL,
}

CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a major goes whole where everything is set up, and only the money waits": (
        {"milestone": won("major"), "client": client(**consent("marketing")), "setting": ALL},
        {
            "email": "send:planned",
            "certificate": "send:planned",
            "gift": "hold:approval",
            "referral": "send:planned",
        },
    ),
    "without consent to marketing gift and referral drop out alone": (
        {"milestone": won("major"), "setting": ALL},
        {
            "email": "send:planned",
            "certificate": "send:planned",
            "gift": "skip:no_consent",
            "referral": "skip:no_consent",
        },
    ),
    "with approval always nothing goes before a coach has agreed": (
        {"milestone": won("program"), "policy": policy(approval="always"), "setting": ALL},
        {"email": "hold:approval", "video": "hold:approval", "in_app": "hold:approval"},
    ),
    "a client of whom nothing goes without approval, by tag": (
        {"policy": policy(ask_first={"tags": ["vip"]}), "client": client(tags=["vip"])},
        {"email": "hold:approval", "in_app": "hold:approval"},
    ),
    "and by id": (
        {"policy": policy(ask_first={"ids": ["ana"]})},
        {"email": "hold:approval", "in_app": "hold:approval"},
    ),
    "the rule's word stands before the tier's, and the tier's before the policy's": (
        {
            "policy": policy(approval="always", tiers={"streak": {"channels": ["email"], "approval": "always"}}),
            "override": Override(approval="never"),
        },
        {"email": "send:planned"},
    ),
    "a gift that nobody has to approve is given": (GENEROUS, {"email": "send:planned", "gift": "send:planned"}),
    "but for a session that was only inferred somebody is asked": (
        {**GENEROUS, "milestone": won("major", facts={"inferred": True})},
        {"email": "send:planned", "gift": "hold:approval"},
    ),
    "and where a source signs nothing": (
        {**GENEROUS, "setting": Setting(channels=SENDABLE, hears_unsigned=True)},
        {"email": "send:planned", "gift": "hold:approval"},
    ),
    "and beyond the client's budget of the month": (
        {**GENEROUS, "account": Account(spent_cents=1501)},
        {"email": "send:planned", "gift": "hold:over_budget"},
    ),
    "and beyond the tenant's": (
        {**GENEROUS, "account": Account(tenant_spent_cents=97_501)},
        {"email": "send:planned", "gift": "hold:over_budget"},
    ),
    "the last cent of a budget may be given": (
        {**GENEROUS, "account": Account(spent_cents=1500, tenant_spent_cents=97_500)},
        {"email": "send:planned", "gift": "send:planned"},
    ),
    "a gift of nothing is none": (
        {**GENEROUS, "override": Override(gift_cents=0)},
        {"email": "send:planned", "gift": "skip:no_amount"},
    ),
    "clients whom people congratulate, by tag": (
        {"policy": policy(by_hand={"tags": ["vip"]}), "client": client(tags=["vip"])},
        {"email": "task:by_hand", "in_app": "task:by_hand"},
    ),
    "and by id, with every part of a major": (
        {"milestone": won("major"), "policy": policy(by_hand={"ids": ["ana"]}), "setting": ALL,
         "client": client(**consent("marketing"))},
        {"email": "task:by_hand", "certificate": "task:by_hand", "gift": "task:by_hand", "referral": "task:by_hand"},
    ),
    "rules that people answer": (
        {"override": Override(by_hand=True)},
        {"email": "task:by_hand", "in_app": "task:by_hand"},
    ),
    "a rule that people answer, where the gift is not set up": (
        {"milestone": won("major"), "override": Override(by_hand=True, channels=("gift",)),
         "client": client(**consent("marketing"))},
        {"gift": "task:approval"},
    ),
    "something personal needs its own consent": (
        {"override": Override(personal=True)},
        {"email": "skip:no_consent", "in_app": "skip:no_consent"},
    ),
    "and goes with it": (
        {"override": Override(personal=True), "client": client(**consent("personal_signals"))},
        {"email": "send:planned", "in_app": "send:planned"},
    ),
    "who is left out to measure the effect hears nothing": (
        {"setting": Setting(is_held_out=True)},
        {"email": "skip:hold_out", "in_app": "skip:hold_out"},
    ),
    "but of majors": (
        {"milestone": won("major"), "setting": Setting(is_held_out=True), "override": Override(channels=("email",))},
        {"email": "send:planned"},
    ),
    "and of a first streak": (
        {"setting": Setting(is_held_out=True), "account": Account(is_first_streak=True)},
        {"email": "send:planned", "in_app": "send:planned"},
    ),
    "a referral is not asked for again within the cool-down": (
        {"override": Override(channels=("email", "referral")), "client": client(**consent("marketing")),
         "setting": Setting(channels=SENDABLE, referral_cool_down=timedelta(days=180)),
         "account": Account(referral_asked_at=NOON - timedelta(days=179))},
        {"email": "send:planned", "referral": "skip:cool_down"},
    ),
    "and after it is": (
        {"override": Override(channels=("email", "referral")), "client": client(**consent("marketing")),
         "setting": Setting(channels=SENDABLE, referral_cool_down=timedelta(days=180)),
         "account": Account(referral_asked_at=NOON - timedelta(days=180))},
        {"email": "send:planned", "referral": "send:planned"},
    ),
    "praise in public needs consent": (
        {"override": Override(channels=("slack",)), "setting": ALL},
        {"slack": "skip:no_consent"},
    ),
    "among coaches it does not": (
        {"override": Override(channels=("slack",)), "setting": Setting(channels=SENDABLE, has_private_slack=True)},
        {"slack": "send:planned"},
    ),
    "a keepsake without a message that carries it goes to a person": (
        {"milestone": won("major"), "setting": ALL, "client": client(opted_out=("email",), **consent("marketing"))},
        {
            "email": "skip:opted_out",
            "certificate": "task:not_carried",
            "gift": "hold:approval",
            "referral": "task:not_carried",
        },
    ),
    "a reminder waits for its time": (
        {"policy": policy(tiers={"streak": {"channels": ["email", "sms"], "follow_up": {"channels": ["sms"]}}})},
        {"email": "send:planned", "sms": "hold:planned"},
    ),
    "and is left out where its time is too late": (
        {"policy": policy(tiers={"streak": {"channels": ["email", "sms"], "expires": "4h",
                                            "follow_up": {"channels": ["sms"]}}})},
        {"email": "send:planned", "sms": "skip:expired"},
    ),
    "over all tiers, one place is kept for a major": (
        {"policy": policy(cap={"per_week": 2}), "history": (Past(milestone_id="x", tier="micro", at=NOON, moment=None,
                                                                counts=True),)},
        {"email": "skip:cap_reached", "in_app": "skip:cap_reached"},
    ),
    "which takes it, whatever the others have taken": (
        {"milestone": won("major"), "override": Override(channels=("email",)), "policy": policy(cap={"per_week": 1}),
         "history": (Past(milestone_id="x", tier="micro", at=NOON, moment=None, counts=True),)},
        {"email": "send:planned"},
    ),
    "a cap of one a day over all tiers keeps no place": (
        {"policy": policy(cap={"per_day": 1})},
        {"email": "send:planned", "in_app": "send:planned"},
    ),
    "without time to ask a coach the words are left to them": (
        {"policy": policy(approval="always"), "now": NOON + timedelta(hours=46, minutes=1)},
        {"email": "skip:approval_over", "in_app": "skip:approval_over"},
    ),
    "with an hour to answer and one to send in they are asked": (
        {"policy": policy(approval="always"), "now": NOON + timedelta(hours=46)},
        {"email": "hold:approval", "in_app": "hold:approval"},
    ),
    "a nudge takes no place of it": (
        {"milestone": won("nudge"), "policy": policy(cap={"per_day": 1}),
         "history": (Past(milestone_id="x", tier="micro", at=NOON, moment=None, counts=True),)},
        {"email": "send:planned"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_part_has_its_outcome_and_reason(name: str) -> None:
    changes, expected = CASES[name]
    asked = {"milestone": won(), "client": client(), "policy": policy(), "now": NOON, **changes}
    planned = plan(asked.pop("milestone"), **asked)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == expected
    handwork = {d.part for d in planned.decisions if d.outcome == "task"} - MESSAGES
    assert {d.channel for d in planned.deliveries} == expected.keys() - handwork


def planned_major(**changes: Any) -> Any:
    return plan(won("major"), **{**{k: v for k, v in GENEROUS.items() if k != "milestone"}, "now": NOON, **changes})


def test_what_waits_for_approval_is_held_and_asked_for_once() -> None:
    planned = planned_major(policy=policy(**SPENDING))
    assert planned.asks == Ask(parts=("gift",), cents=2500)
    assert {d.channel: (d.state, d.reason) for d in planned.deliveries} == {
        "email": ("pending", None),
        "gift": ("held", "approval"),
    }
    assert (planned.task, planned.gift_cents, planned.outcome) == (None, 2500, "send")
    over = planned_major(account=Account(spent_cents=4000))
    assert [d.reason for d in over.deliveries] == [None, "approval"]
    assert planned_major().asks is None
    whole = planned_major(policy=policy(**SPENDING, ask_first={"ids": ["ana"]}))
    assert (whole.asks, whole.outcome) == (Ask(parts=("email", "gift"), cents=2500), "hold")
    words = plan(won(), client=client(), policy=policy(approval="always"), now=NOON)
    assert words.asks == Ask(parts=("email", "in_app"), cents=0)


@pytest.mark.parametrize(("earlier", "cents"), [(0, 0), (1, 1000), (2, 2500), (9, 2500)])
def test_a_reward_grows_with_each_time(earlier: int, cents: int) -> None:
    answer = answer_for(won("major"), policy(), Override(rewards=(0, 1000, 2500)), earlier)
    assert answer.gift_cents == cents
    planned = planned_major(override=Override(rewards=(0, 1000, 2500)), account=Account(earlier=earlier))
    assert planned.gift_cents == cents


def rule(**words: Any) -> Rule:
    return Rule.model_validate({"id": "a", "tier": "major", "when": {"count": "a.b", "reaches": [1]}, **words})


def test_what_a_rule_says_differently_is_taken_over() -> None:
    said = override_of(rule(reward={"cents": [0, 500]}, by_hand=True, personal=True, approval="always"))
    assert said == Override(rewards=(0, 500), by_hand=True, personal=True, approval="always")
    birthday = override_of(rule(when={"date": "birthday"}))
    assert birthday.personal
    assert not override_of(rule(when={"date": "birthday"}, personal=False)).personal
    assert not override_of(rule(when={"date": "joined_on", "every": "year"})).personal


def test_what_is_pinned_with_the_decision() -> None:
    setting = Setting(channels=SENDABLE, next_step="check_in", variant="tone/warm")
    planned = plan(
        won(), client=client(), policy=policy(), setting=setting, account=Account(phrase=7, is_first=True), now=NOON
    )
    assert (planned.phrase, planned.is_first, planned.next_step, planned.variant) == (7, True, "check_in", "tone/warm")


def test_a_downgraded_night_leaves_keepsakes_and_gifts_alone() -> None:
    quiet = {"channels": ["email", "badge"], "quiet": "downgrade", "expires": "48h"}
    planned = plan(won(), client=client(), policy=policy(tiers={"streak": quiet}), setting=ALL, now=NIGHT)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == {
        "email": "skip:quiet_hours",
        "badge": "send:planned",
        "in_app": "send:planned",
    }


def test_every_part_is_a_message_a_keepsake_or_has_a_sender_of_its_own() -> None:
    assert {"slack", "gift"} == SENDABLE - MESSAGES - KEEPSAKES
    assert Policy().cap == Cap()


def test_clients_begin_with_different_phrasings_and_each_always_with_the_same() -> None:
    begun = {first_phrase(f"c-{number}", "streak") for number in range(50)}
    assert len(begun) > 20
    assert first_phrase("ana", "streak") == first_phrase("ana", "streak") != first_phrase("ana", "micro")


def test_what_a_brake_holds_is_asked_about_too() -> None:
    held = plan(
        won(),
        client=client(suppression=Suppression(answer="hold", reason="on holiday")),
        policy=policy(approval="always"),
        now=NOON,
    )
    assert held.asks == Ask(parts=("email", "in_app"), cents=0)
    assert [(d.state, d.reason) for d in held.deliveries] == [("held", "approval")] * 2
    assert [d.reason for d in held.decisions] == ["suppressed"] * 2
