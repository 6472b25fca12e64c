"""Release asks once more: reminders, and the cap over all tiers."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from streams.planning.answer import Override, answer_for
from streams.planning.objections import Question
from streams.planning.release import Core, Wait, objection_to_release
from tests.streams.planning.planning_cases import NOON, client, policy, won


def asked(tier: dict[str, Any], **changes: Any) -> Question:
    rules = policy(tiers={"streak": tier}, cap=changes.pop("cap", {}))
    return Question(
        answer=answer_for(won(), rules, Override()),
        client=client(),
        pauses=(),
        moment_taken=False,
        now=changes.pop("now", NOON),
        **changes,
    )


REMINDED = {"channels": ["email", "sms"], "follow_up": {"channels": ["sms"], "after": "4h"}}


@pytest.mark.parametrize(
    ("question", "channel", "reason"),
    [
        (asked(REMINDED, core_was_opened=True), "sms", "core_opened"),
        (asked(REMINDED, core_was_opened=True), "email", None),
        (asked(REMINDED), "sms", None),
        (asked({"channels": ["email"]}, core_was_opened=True), "sms", None),
    ],
)
def test_a_reminder_drops_out_once_the_message_was_opened(question: Question, channel: Any, reason: Any) -> None:
    found = objection_to_release(question, channel)
    assert (found.reason if found else None) == reason


def test_release_keeps_the_cap_over_all_tiers() -> None:
    full = objection_to_release(asked({"channels": ["email"]}, cap={"per_day": 1}), "email", of_all=(NOON,))
    assert full is not None
    assert full.reason == "quiet_hours"  # the next day begins in the night
    assert objection_to_release(asked({"channels": ["email"]}, cap={"per_day": 1}), "email") is None


@pytest.mark.parametrize(
    ("core", "until"),
    [
        (Core(), None),
        (Core(waits=True), NOON + timedelta(hours=4)),
        (Core(celebrated_at=NOON - timedelta(hours=1)), NOON + timedelta(hours=3)),
        (Core(celebrated_at=NOON - timedelta(hours=4)), None),
    ],
)
def test_a_reminder_comes_its_while_after_the_message(core: Core, until: datetime | None) -> None:
    found = objection_to_release(asked(REMINDED), "sms", core=core)
    assert found == (Wait(until=until, reason="planned") if until else None)
    assert objection_to_release(asked(REMINDED), "email", core=core) is None
