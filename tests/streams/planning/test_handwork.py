"""The coach's task says what to do, in words."""

import pytest

from schemas.celebration import Reason
from streams.planning.answer import Override
from streams.planning.handwork import undelivered_task
from streams.planning.plan import plan
from tests.streams.planning.planning_cases import NOON, client, consent, policy, won

WANTS_GIFTS = consent("marketing")


def test_the_task_says_what_to_do_and_how_long_it_takes() -> None:
    planned = plan(won("major"), client=client(**WANTS_GIFTS), policy=policy(), now=NOON)
    assert planned.task is not None
    assert planned.task.summary == "36 sessions: send the certificate, send the $25 gift card, ask for a referral"
    assert planned.task.minutes == 7


def test_cents_of_a_gift_are_shown_when_there_are_any() -> None:
    planned = plan(
        won("major"), client=client(**WANTS_GIFTS), policy=policy(), override=Override(gift_cents=1250), now=NOON
    )
    assert planned.task is not None
    assert "$12.50" in planned.task.summary


def test_a_name_with_braces_stays_as_it_is() -> None:
    planned = plan(won("major", name="{gift} & {0}"), client=client(**WANTS_GIFTS), policy=policy(), now=NOON)
    assert planned.task is not None
    assert planned.task.summary.startswith("{gift} & {0}: ")


@pytest.mark.parametrize(
    ("channel", "reason", "part"),
    [
        ("email", "rejected", "email"),
        ("in_app", "channel_unwanted", "in_app"),
        ("email", "suppressed", ""),
        ("gift", "no_consent", ""),
        ("email", "expired", ""),
        ("certificate", "expired", "certificate"),
        ("email", "recovered", ""),
        ("gift", "recovered", "gift"),
    ],
)
def test_a_task_is_for_a_part_unless_one_is_enough(channel: str, reason: Reason, part: str) -> None:
    assert undelivered_task(won("major"), channel, reason, None).part == part
