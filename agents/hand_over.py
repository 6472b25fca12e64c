"""Hand-over: a message goes to its channel, whatever that makes of it.

It must never let a channel's fault out, and never call unsent what passed its point of no return.
"""

import structlog

from agents.channels.channel import Channel, Message, Outcome, OutcomeKind, PointOfNoReturn

_log = structlog.get_logger()


async def hand_over(channel: Channel, message: Message, begin: PointOfNoReturn) -> Outcome | None:
    """What came of a message; None when it was stopped before the point of no return."""
    crossing = _Crossing(begin)
    try:
        outcome = await channel.send(message, crossing)
    except Exception as error:  # noqa: BLE001 - recorded: before the point of no return it is a retry, after it unknown
        _log.error(
            "channel.raised", channel=channel.name, delivery_id=message.delivery_id, error_type=type(error).__name__
        )
        kind: OutcomeKind = "unknown" if crossing.crossed else "retry"
        outcome = Outcome(kind=kind, detail=f"the channel failed: {type(error).__name__}")
    return None if crossing.refused else outcome


class _Crossing:
    """The point of no return, and whether it was passed or refused."""

    def __init__(self, begin: PointOfNoReturn) -> None:
        self._begin = begin
        self.crossed = False
        self.refused = False

    async def __call__(self) -> bool:
        self.crossed = await self._begin()  # if this raises, the channel goes no further
        self.refused = not self.crossed
        return self.crossed
