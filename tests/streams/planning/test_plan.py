"""Each row: who, what and when, and what becomes of every part."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.brake import Pause, Suppression
from schemas.celebration import celebration_id, delivery_id
from schemas.rulebook import load_rulebook
from streams.planning.answer import MESSAGES, Override, override_of
from streams.planning.history import Past, past_of
from streams.planning.plan import plan
from tests.streams.planning.planning_cases import MORNING, NIGHT, NOON, client, consent, policy, won

DROP = Suppression(answer="drop", reason="bereaved")
HOLD = Suppression(answer="hold", reason="on holiday")
ENDED = Suppression(answer="hold", reason="exam", until=NOON)
REFUSED = consent(refused=("service",))
WANTS_GIFTS = consent("marketing")


def past(tier: str = "micro", at: Any = NOON, moment: str | None = None, *, counts: bool = True) -> Past:
    return Past(milestone_id="0b" * 16, tier=tier, at=at, moment=moment, counts=counts)


CASES: dict[str, tuple[dict[str, Any], dict[str, str], str | None]] = {
    "a streak goes out at once": ({}, {"email": "send:planned", "in_app": "send:planned"}, None),
    "nothing goes to the erased, and nobody is asked": (
        {"client": client(erased=True)},
        {"email": "skip:erased", "in_app": "skip:erased"},
        None,
    ),
    "what comes too late is not sent": (
        {"now": NOON + timedelta(hours=48)},
        {"email": "skip:expired", "in_app": "skip:expired"},
        None,
    ),
    "a major that comes too late is left to the coach": (
        {"milestone": won("major"), "override": Override(channels=("email",)), "now": NOON + timedelta(days=8)},
        {"email": "skip:expired"},
        "expired",
    ),
    "a pause holds what it covers": (
        {"pauses": (Pause(channel="email", reason="x"), Pause(tenant="another", reason="y"))},
        {"email": "hold:paused", "in_app": "send:planned"},
        None,
    ),
    "a suppression that drops closes it and tells the coach": (
        {"client": client(suppression=DROP)},
        {"email": "skip:suppressed", "in_app": "skip:suppressed"},
        "suppressed",
    ),
    "a suppression that holds keeps it and tells the coach": (
        {"client": client(suppression=HOLD)},
        {"email": "hold:suppressed", "in_app": "hold:suppressed"},
        "suppressed",
    ),
    "a suppression that has ended does nothing": (
        {"client": client(suppression=ENDED)},
        {"email": "send:planned", "in_app": "send:planned"},
        None,
    ),
    "a pause is asked before a suppression": (
        {"client": client(suppression=DROP), "pauses": (Pause(reason="x"),)},
        {"email": "hold:paused", "in_app": "hold:paused"},
        None,
    ),
    "a moment is celebrated once": (
        {"milestone": won(moment="graduation"), "history": (past(moment="graduation/"),)},
        {"email": "skip:same_moment", "in_app": "skip:same_moment"},
        None,
    ),
    "a moment of another program is another moment": (
        {"milestone": won(moment="graduation", facts={"program_id": "p1"}), "history": (past(moment="graduation/p2"),)},
        {"email": "send:planned", "in_app": "send:planned"},
        None,
    ),
    "who refuses service messages is told by a person": (
        {"client": client(**REFUSED)},
        {"email": "skip:no_consent", "in_app": "skip:no_consent"},
        "no_consent",
    ),
    "who left a channel is told by a person": (
        {"client": client(opted_out=("email",))},
        {"email": "skip:opted_out", "in_app": "send:planned"},
        "opted_out",
    ),
    "a channel that the client does not want stays silent": (
        {"client": client(channels={"in_app": False, "email": True})},
        {"email": "send:planned", "in_app": "skip:channel_unwanted"},
        "channel_unwanted",
    ),
    "approval of everything waits for the coach": (
        {"override": Override(approval="always")},
        {"email": "hold:approval", "in_app": "hold:approval"},
        None,
    ),
    "a rule's own channels replace the tier's": (
        {"override": Override(channels=("in_app", "in_app"))},
        {"in_app": "send:planned"},
        None,
    ),
    "at night it waits": (
        {"now": NIGHT},
        {"email": "hold:quiet_hours", "in_app": "hold:quiet_hours"},
        None,
    ),
    "a major drops gift and referral without marketing consent, and the rest goes": (
        {"milestone": won("major")},
        {
            "email": "send:planned",
            "certificate": "task:by_hand",
            "gift": "skip:no_consent",
            "referral": "skip:no_consent",
        },
        "by_hand",
    ),
    "a major's money waits for the coach, and the rest goes": (
        {"milestone": won("major"), "client": client(**WANTS_GIFTS)},
        {"email": "send:planned", "certificate": "task:by_hand", "gift": "task:approval", "referral": "task:by_hand"},
        "by_hand",
    ),
    "a gift that needs no approval is sent by hand": (
        {
            "milestone": won("major"),
            "client": client(**WANTS_GIFTS),
            "override": Override(channels=("gift",), approval="never"),
        },
        {"gift": "task:by_hand"},
        "by_hand",
    ),
    "a gift of nothing is left out": (
        {
            "milestone": won("major"),
            "client": client(**WANTS_GIFTS),
            "override": Override(gift_cents=0, channels=("gift",)),
        },
        {"gift": "skip:no_amount"},
        None,
    ),
    "praise in public needs its own consent": (
        {"override": Override(channels=("slack", "in_app"))},
        {"slack": "skip:no_consent", "in_app": "send:planned"},
        None,
    ),
    "a pause does not keep a person from their part": (
        {"milestone": won("program"), "pauses": (Pause(reason="x"),)},
        {"email": "hold:paused", "video": "task:by_hand", "in_app": "hold:paused"},
        "by_hand",
    ),
    "the second small win of a day waits": (
        {"milestone": won("micro"), "history": (past(),)},
        {"in_app": "hold:cap_reached"},
        None,
    ),
    "a nudge too many in a week is left out": (
        {"milestone": won("nudge"), "history": (past("nudge"),)},
        {"email": "skip:cap_reached"},
        None,
    ),
    "what a person did takes no slot": (
        {"milestone": won("nudge"), "history": (past("nudge", counts=False),)},
        {"email": "send:planned"},
        None,
    ),
    "a small win at night goes in the app, silently": (
        {"milestone": won("micro"), "now": NIGHT},
        {"in_app": "send:planned"},
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_part_has_its_outcome_and_reason(name: str) -> None:
    changes, expected, task = CASES[name]
    asked = {"milestone": won(), "client": client(), "policy": policy(), "now": NOON, **changes}
    planned = plan(asked.pop("milestone"), **asked)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == expected
    assert (planned.task.reason if planned.task else None) == task


def test_planning_again_meets_the_same_ids() -> None:
    planned = plan(won(), client=client(), policy=policy(), now=NOON)
    assert planned.celebration_id == celebration_id("0a" * 16)
    assert [d.delivery_id for d in planned.deliveries] == [
        delivery_id(planned.celebration_id, c) for c in ("email", "in_app")
    ]


def test_what_waits_for_people_is_held_and_what_waits_for_a_time_is_pending() -> None:
    night = plan(won(), client=client(), policy=policy(), now=NIGHT)
    paused = plan(won(), client=client(), policy=policy(), pauses=(Pause(reason="x"),), now=NOON)
    assert {d.state for d in night.deliveries} == {"pending"}
    assert {d.due_at for d in night.deliveries} == {MORNING}
    assert night.due_at == MORNING
    assert {d.state for d in paused.deliveries} == {"held"}


def test_a_major_that_cannot_go_in_time_is_handed_to_the_coach() -> None:
    late = policy(tiers={"major": {"channels": ["email"], "expires": "3h"}})
    planned = plan(won("major", reached_at=NIGHT), client=client(), policy=late, now=NIGHT)
    assert [d.reason for d in planned.decisions] == ["quiet_hours"]
    assert planned.task is not None
    assert planned.outcome == "task"


@pytest.mark.parametrize("tier", ["streak", "nudge"])
def test_a_lighter_one_that_cannot_go_in_time_is_left(tier: str) -> None:
    late = policy(tiers={tier: {"channels": ["email"], "expires": "3h"}})
    planned = plan(won(tier, reached_at=NIGHT), client=client(), policy=late, now=NIGHT)
    assert planned.task is None
    assert planned.outcome == "skip"


@pytest.mark.parametrize("channels", [("email",), ("email", "in_app")])
def test_quiet_hours_turn_a_mail_into_an_in_app_message_when_the_tier_says_so(channels: tuple[str, ...]) -> None:
    rules = policy(tiers={"streak": {"channels": channels, "quiet": "downgrade", "expires": "48h"}})
    planned = plan(won(), client=client(), policy=rules, now=NIGHT)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == {
        "email": "skip:quiet_hours",
        "in_app": "send:planned",
    }


def test_a_tier_may_ignore_the_night() -> None:
    rules = policy(tiers={"streak": {"channels": ["email"], "quiet": "send"}})
    assert plan(won(), client=client(), policy=rules, now=NIGHT).outcome == "send"


def test_shadow_mode_shows_what_would_have_been() -> None:
    planned = plan(won("major"), client=client(), policy=policy(mode="shadow"), now=NOON)
    assert {d.reason for d in planned.decisions} == {"shadow"}
    assert planned.decisions[0].detail == "would be: send, planned"
    assert planned.task is None
    assert {d.state for d in planned.deliveries} == {"skipped"}
    assert past_of(planned) == ()


def test_marketing_tiers_need_marketing_consent() -> None:
    rules = policy(tiers={"streak": {"channels": ["email"], "class": "marketing"}})
    assert plan(won(), client=client(), policy=rules, now=NOON).outcome == "task"
    assert plan(won(), client=client(**WANTS_GIFTS), policy=rules, now=NOON).outcome == "send"


def test_what_was_planned_just_now_counts_for_the_next() -> None:
    first = plan(won("micro"), client=client(), policy=policy(), now=NOON)
    second = plan(
        won("micro", milestone_id="0c" * 16), client=client(), policy=policy(), history=past_of(first), now=NOON
    )
    assert [d.reason for d in second.decisions] == ["cap_reached"]
    assert second.due_at.date() == MORNING.date()


def test_planning_a_milestone_again_does_not_count_it_twice() -> None:
    first = plan(won("micro", moment="m"), client=client(), policy=policy(), now=NOON)
    again = plan(won("micro", moment="m"), client=client(), policy=policy(), history=past_of(first), now=NOON)
    assert again == first


def test_a_rule_says_what_it_overrides() -> None:
    book = load_rulebook(
        "rules:\n  - {id: r, tier: major, when: {count: session.completed, reaches: [1]}, "
        "channels: [email], gift_cents: 1000, approval: always}\n",
        "r.yaml",
    )
    assert override_of(book.by_id["r"]) == Override(channels=("email",), gift_cents=1000, approval="always")
    assert override_of(None) == Override()


@given(
    tier=st.sampled_from(["micro", "streak", "program", "major", "nudge"]),
    hours=st.integers(0, 400),
    zone=st.sampled_from(["UTC", "Europe/Vienna", "Pacific/Kiritimati", "America/St_Johns"]),
    opted_out=st.sets(st.sampled_from(["email", "in_app"])),
    suppression=st.sampled_from([None, DROP, HOLD]),
    pauses=st.sampled_from([(), (Pause(reason="x"),), (Pause(channel="in_app", reason="x"),)]),
    erased=st.booleans(),
)
def test_no_part_vanishes_and_what_is_due_is_in_time(
    tier: str, hours: int, zone: str, opted_out: set[str], suppression: Any, pauses: Any, erased: bool
) -> None:
    now = NOON + timedelta(hours=hours)
    who = client(erased=erased, opted_out=tuple(opted_out), suppression=suppression, timezone=zone)
    planned = plan(won(tier), client=who, policy=policy(), pauses=pauses, now=now)
    channels = policy().tiers[tier].channels
    assert [d.part for d in planned.decisions] == list(channels)
    assert {d.channel for d in planned.deliveries} == set(channels) & MESSAGES
    for delivery in planned.deliveries:
        assert (delivery.state == "skipped") or now <= delivery.due_at < delivery.expires_at
        assert (delivery.state != "skipped") or delivery.reason is not None
        assert delivery.state == "skipped" or not (
            erased or (delivery.channel in opted_out and not suppression and not pauses)
        )
