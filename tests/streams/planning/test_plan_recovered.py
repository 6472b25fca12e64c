"""What may have left before the ledger was lost and restored is held, whatever else would be said of it."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.brake import Pause, Suppression
from streams.planning.answer import Override
from streams.planning.plan import Setting, plan
from tests.streams.planning.planning_cases import NOON, client, consent, policy, won

BOTH = {"email": "hold:recovered", "in_app": "hold:recovered"}
GIFT = {"milestone": won("major"), "client": client(**consent("marketing")), "override": Override(channels=("gift",))}
WITH_GIFTS = Setting(channels=frozenset({"gift"}))

CASES: dict[str, tuple[dict[str, Any], dict[str, str], str | None]] = {
    "a message in the app is held too": ({}, BOTH, None),
    "also what is too late, so that no other message tells of it": ({"now": NOON + timedelta(hours=48)}, BOTH, None),
    "a pause is not told before it": ({"pauses": (Pause(reason="x"),)}, BOTH, None),
    "a suppression that drops is not told before it": (
        {"client": client(suppression=Suppression(answer="drop", reason="bereaved"))},
        BOTH,
        None,
    ),
    "the erased are told before it": (
        {"client": client(erased=True)},
        {"email": "skip:erased", "in_app": "skip:erased"},
        None,
    ),
    "a gift is held": (
        {**GIFT, "setting": WITH_GIFTS, "policy": policy(approval="never")},
        {"gift": "hold:recovered"},
        None,
    ),
    "a person is told to look before they repeat a gift": (GIFT, {"gift": "task:recovered"}, "recovered"),
    "a person is told to look before they repeat their part": (
        {"milestone": won("program")},
        {"email": "hold:recovered", "video": "task:recovered", "in_app": "hold:recovered"},
        "recovered",
    ),
    "in shadow mode nothing is held": (
        {"policy": policy(mode="shadow")},
        {"email": "skip:shadow", "in_app": "skip:shadow"},
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_part_has_its_outcome_and_reason(name: str) -> None:
    changes, expected, task = CASES[name]
    asked = {"client": client(), "policy": policy(), "now": NOON, "recovered": "the disk broke", **changes}
    planned = plan(asked.pop("milestone", won()), **asked)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == expected
    assert (planned.task.reason if planned.task else None) == task


def test_it_waits_for_people_and_says_why() -> None:
    planned = plan(won(), client=client(), policy=policy(), recovered="the disk broke", now=NOON)
    assert {(d.state, d.reason) for d in planned.deliveries} == {("held", "recovered")}
    assert {d.detail for d in planned.decisions} == {"the disk broke"}
    assert planned.asks is None


def test_a_coach_is_asked_for_their_yes_as_before() -> None:
    planned = plan(won(), client=client(), policy=policy(approval="always"), recovered="the disk broke", now=NOON)
    assert {(d.state, d.reason) for d in planned.deliveries} == {("held", "approval")}
    assert planned.asks is not None
