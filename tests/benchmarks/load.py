"""The load: what a platform sends while it grows to all its clients, event by event in order of time.

Everybody checks one habit a day and completes a session on four days of five. The platform grows 160-fold, as
10,000 clients do in 45 days that double their number every six, then stays `steady_days`; so an early prefix of the
log already holds first sessions, 14- and 30-day streaks, and the whole of it thirty-sixth sessions. The days end
yesterday; the log is appended within minutes, so no rule that is due by time alone (a lapse) may stand in the
rulebook.

Each event's id is the partition and offset at which it will stand, so a milestone's `caused_by` says where in the
log its cause stands. One event in a hundred comes twice, as from a platform whose producer tries again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka.partitioner import murmur2

from schemas.codec import encode_event
from schemas.event import Event, HabitData, SessionData
from schemas.topics import client_key

TENANT = "example"  # the tenant that `cairn up` writes; the stage gives it the rulebook beside this file
RULEBOOK = Path(__file__).with_name("rulebook.yaml")
CLIENTS = 10_000
EVENTS_PER_CLIENT_AND_DAY = 1.8
_GROWTH = 160
_GROWTH_DAYS = 45
_ACTIVE_SECONDS = 80_000  # all clients fill 22 hours of a day
_REPEATED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One record of the log, as it is produced and where it will stand."""

    partition: int
    key: bytes
    value: bytes


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partition of a key: murmur2, its sign bit cleared."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def log(
    *,
    steady_days: int,
    partitions: int,
    today: datetime | None = None,
    clients: int = CLIENTS,
    growth_days: int = _GROWTH_DAYS,
) -> Iterator[Sent]:
    """The whole log in order of time.

    Args:
        steady_days: days after the growth on which all clients are active; 1.8 events of each.
        partitions: of the topic; decides where a record stands and so its id.
        today: the log ends the day before; the present day by default.
        clients: how many there are in the end.
        growth_days: the days on which they become so many.
    """
    midnight = (today or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=growth_days + steady_days)
    keys = [client_key(TENANT, _name(client)) for client in range(clients)]
    homes = [partition_of(key, partitions) for key in keys]
    offsets = [0] * partitions
    for day in range(growth_days + steady_days):
        for client in range(round(clients * _GROWTH ** min(0.0, day / max(growth_days, 1) - 1))):
            occurred_at = first + timedelta(days=day, milliseconds=client * _ACTIVE_SECONDS * 1000 // clients)
            for data in _of_the_day(client, day):
                home = homes[client]
                value = encode_event(event(f"{home}-{offsets[home]}", _name(client), occurred_at, data))
                for _ in range(2 if (client + day) % _REPEATED == 1 else 1):
                    yield Sent(partition=home, key=keys[client], value=value)
                    offsets[home] += 1


def event(event_id: str, client: str, occurred_at: datetime, data: HabitData | SessionData) -> Event:
    """A habit check or a completed session of one client."""
    return Event(
        id=event_id,
        source="bench",
        type="habit.checked" if isinstance(data, HabitData) else "session.completed",
        tenant=TENANT,
        client=client,
        occurred_at=occurred_at,
        data=data,
    )


def position(event_id: str) -> tuple[int, int]:
    """The partition and offset at which the event of that id stands."""
    partition, offset = event_id.split("-")
    return int(partition), int(offset)


def _name(client: int) -> str:
    return f"c{client:05}"


def _of_the_day(client: int, day: int) -> Iterator[HabitData | SessionData]:
    yield HabitData(habit_id="morning-walk")
    if (client + day) % 5:
        yield SessionData(session_id=f"bench:1:{client}-{day}")
