"""Carrying: which message of a celebration takes its certificate, badge, referral and video along.

It must never let two messages carry the same keepsake: a mail that is only held still carries it.
"""

from collections.abc import Collection, Sequence

from schemas.celebration import Delivery
from schemas.policy import ChannelName
from streams.planning.answer import CARRIERS, KEEPSAKES


def carrier_of(channels: Collection[str]) -> ChannelName | None:
    """Which of these channels, all of which go or may still go, carries; None when none can."""
    return next((name for name in CARRIERS if name in channels), None)


def keepsakes_with(channel: ChannelName, deliveries: Sequence[Delivery]) -> frozenset[ChannelName]:
    """The keepsakes that go with a celebration's message on this channel, as it was planned."""
    if channel != carrier_of({part.channel for part in deliveries if part.state != "skipped"}):
        return frozenset()
    return frozenset(part.channel for part in deliveries if part.state == "pending" and part.channel in KEEPSAKES)
