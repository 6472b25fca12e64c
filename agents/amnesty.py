"""`cairn amnesty`: an outage of ours must not break anybody's streak.

For every client of a tenant a `streak.paused` event of all habits is published. Its id follows
from tenant, client and days alone: running it again changes nothing, and a run that was
interrupted is simply run again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from agents.publishing import KeyedEvent, open_publisher
from schemas.codec import decode_event, encode_event
from schemas.event import Event, StreakPausedData
from schemas.topics import client_key

SOURCE = "cairn/amnesty"
RATE = 1_000
"""Events a second: a fraction of what one tracker takes, so that live events do not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amnesty:
    """The days that count for nobody's streak.

    Attributes:
        first: the first day, in each client's own calendar.
        last: the last day.
        at: when it is granted.
    """

    tenant: str
    first: date
    last: date
    reason: str
    author: str
    at: datetime

    def event_for(self, client: str) -> KeyedEvent:
        """The record that pauses a client's habits.

        Raises:
            Refused: something in it is not as an event may be.
        """
        event = Event(
            id=_event_id(self.tenant, client, self.first, self.last),
            source=SOURCE,
            type="streak.paused",
            tenant=self.tenant,
            client=client,
            occurred_at=self.at,
            data=StreakPausedData(from_day=self.first, until=self.last, reason=self.reason, author=self.author),
        )
        value = encode_event(event)
        decode_event((), value)
        return client_key(self.tenant, client), value


async def grant(
    options: dict[str, Any], amnesty: Amnesty, clients: Sequence[str], show: Callable[[int], object]
) -> None:
    """Publish an amnesty for clients; `show` is told how many have it.

    Raises:
        Refused: something in it is not as an event may be; nothing was published.
    """
    events = [amnesty.event_for(client) for client in clients]
    async with open_publisher(options, rate=RATE) as publisher:
        for start in range(0, len(events), publisher.chunk_records):
            await publisher.publish(events[start : start + publisher.chunk_records])
            show(min(start + publisher.chunk_records, len(events)))


def _event_id(tenant: str, client: str, first: date, last: date) -> str:
    parts = f"{client_key(tenant, client).decode()}\x1f{first.isoformat()}\x1f{last.isoformat()}"
    return f"amnesty-{blake2b(parts.encode(), digest_size=16).hexdigest()}"
