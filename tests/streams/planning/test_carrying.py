"""Keepsakes go with one message, and with one only."""

from datetime import timedelta

import pytest

from schemas.celebration import Delivery
from schemas.policy import ChannelName
from streams.planning.carrying import carrier_of, keepsakes_with
from tests.streams.planning.planning_cases import NOON


def parts(**states: str) -> tuple[Delivery, ...]:
    return tuple(
        Delivery(
            delivery_id=channel,
            channel=channel,  # type: ignore[arg-type] - the keyword says it
            state=state,  # type: ignore[arg-type] - as above
            reason=None,
            due_at=NOON,
            expires_at=NOON + timedelta(days=1),
        )
        for channel, state in states.items()
    )


@pytest.mark.parametrize(
    ("channels", "carrier"),
    [({"in_app", "email"}, "email"), ({"in_app", "sms"}, "in_app"), ({"sms", "slack"}, None), (set(), None)],
)
def test_the_mail_carries_before_the_message_in_the_app(channels: set[str], carrier: str | None) -> None:
    assert carrier_of(channels) == carrier


@pytest.mark.parametrize(
    ("channel", "states", "carried"),
    [
        ("email", {"email": "pending", "in_app": "pending", "badge": "pending"}, {"badge"}),
        ("in_app", {"email": "pending", "in_app": "pending", "badge": "pending"}, set()),
        ("in_app", {"email": "held", "in_app": "pending", "referral": "pending"}, set()),
        ("in_app", {"email": "skipped", "in_app": "pending", "referral": "pending"}, {"referral"}),
        ("in_app", {"in_app": "pending", "badge": "pending", "video": "skipped", "certificate": "held"}, {"badge"}),
        ("sms", {"sms": "pending", "badge": "pending"}, set()),
    ],
)
def test_a_mail_that_is_only_held_still_carries_its_keepsakes(
    channel: ChannelName, states: dict[str, str], carried: set[str]
) -> None:
    assert keepsakes_with(channel, parts(**states)) == carried
