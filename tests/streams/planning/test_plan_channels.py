"""Which channels an answer goes by, where not every one is set up."""

from typing import Any

import pytest

from streams.planning.answer import MESSAGES, Override
from streams.planning.plan import Setting, plan
from tests.streams.planning.planning_cases import NIGHT, NOON, client, policy, won

CASES: dict[str, tuple[dict[str, Any], dict[str, str], str | None]] = {
    "a text message goes like a mail": (
        {"override": Override(channels=("sms", "in_app"))},
        {"sms": "send:planned", "in_app": "send:planned"},
        None,
    ),
    "a channel that is not set up is skipped, and the next one goes": (
        {"override": Override(channels=("sms", "email")), "setting": Setting(channels=MESSAGES - {"sms"})},
        {"sms": "skip:no_channel", "email": "send:planned"},
        None,
    ),
    "where no channel of the answer is set up, the coach hears of it": (
        {"override": Override(channels=("sms",)), "setting": Setting(channels=MESSAGES - {"sms"})},
        {"sms": "skip:no_channel"},
        "no_channel",
    ),
    "at night a text message becomes a line in the app where quiet hours downgrade": (
        {"milestone": won("micro"), "override": Override(channels=("sms",)), "now": NIGHT},
        {"sms": "skip:quiet_hours", "in_app": "send:planned"},
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_channel_has_its_outcome_and_reason(name: str) -> None:
    changes, expected, task = CASES[name]
    asked = {"milestone": won(), "now": NOON, **changes}
    planned = plan(asked.pop("milestone"), client=client(), policy=policy(), **asked)
    assert {d.part: f"{d.outcome}:{d.reason}" for d in planned.decisions} == expected
    assert (planned.task.reason if planned.task else None) == task
