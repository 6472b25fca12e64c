"""What a client reaches at once is told in one message."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.celebration import Celebration, celebration_id
from streams.planning.answer import SENDABLE, Override
from streams.planning.history import Past
from streams.planning.merging import Told, Untold, can_merge, is_beyond, merged, together
from streams.planning.plan import Setting, plan
from tests.streams.planning.planning_cases import NIGHT, NOON, client, consent, policy, won


def planned(tier: str, name: str, **changes: Any) -> Celebration:
    asked = {"client": client(), "policy": policy(), "now": NOON, **changes}
    return plan(won(tier, milestone_id=name), **asked)


def untold(tier: str, name: str, *, waits: bool = True) -> Untold:
    return Untold(
        celebration_id=celebration_id(name), tier=won(tier).tier, milestone=won(tier, milestone_id=name), waits=waits
    )


def told(lead: str, *followers: str) -> Told:
    return Told(lead=celebration_id(lead), followers=tuple(celebration_id(name) for name in followers))


@pytest.mark.parametrize(
    ("at_once", "before", "expected"),
    [
        ([], [], None),
        ([planned("streak", "a")], [], None),
        ([planned("micro", "a"), planned("streak", "b")], [], told("b", "a")),
        ([planned("micro", "a"), planned("micro", "b"), planned("micro", "c")], [], told("a", "b", "c")),
        ([planned("program", "a"), planned("major", "b"), planned("major", "c")], [], told("b", "a")),
        ([planned("major", "a"), planned("major", "b")], [], None),
        ([planned("micro", "a")], [untold("streak", "b")], told("b", "a")),
        ([planned("streak", "a")], [untold("micro", "b"), untold("streak", "c")], told("c", "b", "a")),
        ([planned("nudge", "a"), planned("streak", "b")], [], None),
        ([planned("streak", "a", now=NIGHT)], [untold("micro", "b")], told("a", "b")),
        ([planned("streak", "a")], [untold("major", "b", waits=False)], told("a", "b")),
        ([planned("micro", "a")], [untold("streak", "b", waits=False)], None),
        ([], [untold("streak", "a"), untold("micro", "b", waits=False)], None),
        ([planned("streak", "a", client=client(erased=True)), planned("streak", "b")], [], None),
        ([planned("streak", "a", policy=policy(mode="shadow")), planned("streak", "b")], [], None),
    ],
)
def test_the_heaviest_leads_and_of_equals_the_earliest(at_once: Any, before: Any, expected: Told | None) -> None:
    assert together(at_once, before) == expected


def test_what_waits_for_people_is_not_merged() -> None:
    assert can_merge(planned("streak", "a"))
    assert not can_merge(planned("streak", "a", policy=policy(approval="always")))


def test_words_and_keepsakes_go_with_the_lead_and_the_rest_as_planned() -> None:
    whole = Setting(channels=SENDABLE)
    one = planned(
        "program",
        "a",
        client=client(**consent("marketing", "public_praise")),
        setting=whole,
        override=Override(channels=("email", "badge", "gift", "slack", "sms"), gift_cents=500, approval="never"),
    )
    gone = merged(one, "lead")
    assert (gone.outcome, gone.merged_into) == ("merged", "lead")
    assert {d.channel: (d.state, d.reason) for d in gone.deliveries} == {
        "email": ("skipped", "merged"),
        "badge": ("skipped", "merged"),
        "sms": ("skipped", "merged"),
        "gift": ("pending", None),
        "slack": ("pending", None),
    }
    assert {d.part: (d.outcome, d.reason, d.detail) for d in gone.decisions} == {
        "email": ("merge", "merged", "lead"),
        "badge": ("merge", "merged", "lead"),
        "sms": ("merge", "merged", "lead"),
        "gift": ("send", "planned", None),
        "slack": ("send", "planned", None),
    }
    assert replace(gone, outcome=one.outcome, merged_into=None, deliveries=(), decisions=()) == replace(
        one, deliveries=(), decisions=()
    )


def test_what_no_time_is_left_for_follows_and_never_leads() -> None:
    full = tuple(
        Past(milestone_id=str(day), tier="micro", at=NOON + timedelta(days=day), moment=None, counts=True)
        for day in range(2)
    )
    beyond = planned("micro", "a", history=full)
    assert is_beyond(beyond)
    assert not can_merge(beyond)
    assert together([beyond], []) is None
    assert together([beyond, planned("streak", "b")], []) == told("b", "a")
    gone = merged(beyond, "lead")
    assert [(d.part, d.outcome) for d in gone.decisions] == [("in_app", "skip"), ("celebration", "merge")]
    late = {"streak": {"channels": ["email"], "expires": "1h"}, "major": {"channels": ["email"], "expires": "1h"}}
    assert is_beyond(planned("streak", "a", policy=policy(tiers=late), now=NIGHT))
    assert not is_beyond(planned("major", "a", policy=policy(tiers=late), now=NIGHT))
    assert not is_beyond(planned("streak", "a"))
    assert not is_beyond(planned("nudge", "a"))
    assert not is_beyond(planned("streak", "a", client=client(erased=True)))
