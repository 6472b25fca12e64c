"""What a million clients cost: CPU time per event beside ten thousand, memory, and the restore of their states.

Before the tracker starts, the changelog holds a state for each client, as the tracker itself would have written it:
the state of somebody with 36 sessions, 90 days of a habit and a course. So the start is a restore, and it is measured.
Then every client goes on as in the bench's load, and the CPU time per event is taken. Of a million
clients a part is heard of; of ten thousand all are, for days on end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.engine import bookmark
from agents.engine.bookmark import Bookmark
from agents.engine.header import Header
from schemas.codec import encode_event
from schemas.event import CourseProgressData, Event, HabitData, SessionData
from schemas.rulebook import load_rulebook
from schemas.topics import STATE_CHANGELOG, TRACKER_APP_ID, client_key
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.state import State, encode_state
from streams.tracking.tick import next_deadline
from tests.benchmarks import stage as stages
from tests.benchmarks import tracking
from tests.benchmarks.load import RULEBOOK, TENANT, Sent, event, partition_of
from tests.benchmarks.stage import Stage

FEW, MANY = 10_000, 1_000_000
_HABIT_DAYS = 90
_SOURCE_TOPICS = 2  # events and clients, as in the tracker's wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many clients with a past.

    Attributes:
        clients: how many.
        began_on: the midnight of their first day; the last of the 90 lies before the days of their events.
    """

    clients: int
    began_on: datetime


def crowd(clients: int, events: int) -> Crowd:
    """A crowd whose next events end before today."""
    days = events // (clients * 2 - clients // 5) + 2
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Crowd(clients=clients, began_on=midnight - timedelta(days=_HABIT_DAYS + days))


async def measure(stage: Stage, clients: int, events: int) -> dict[str, float]:
    """Restore so many clients, then fold so many events of theirs."""
    who = crowd(clients, events)
    await stages.clear(stage, groups=[TRACKER_APP_ID])
    await stages.fill(stage, states(who, stage.partitions), STATE_CHANGELOG)
    ends = await stages.fill(stage, log(who, events, stage.partitions))
    run = await tracking.track(stage, sum(ends.values()))
    name = f"clients_{clients}"
    found = run.figures(name)
    restored = run.metrics["cairn_restore_records_total"]
    seconds = run.metrics["cairn_restore_seconds_sum"] / run.metrics["cairn_restore_seconds_count"]
    return found | {
        f"{name}_restore_records_per_second": restored / seconds,
        f"{name}_state_bytes": run.metrics["cairn_state_bytes"] / run.metrics["cairn_state_clients"],
    }


def states(who: Crowd, partitions: int) -> Iterator[Sent]:
    """The changelog: a state for each client, and each partition's bookmark."""
    past = past_of(who)
    deadline = next_deadline(past)
    header = Header(_SOURCE_TOPICS)
    value = header.pack(-1 if deadline is None else deadline, header.unapplied, encode_state(past))
    for client in range(who.clients):
        key = client_key(TENANT, _name(client))
        yield Sent(partition=partition_of(key, partitions), key=key, value=value)
    for partition in range(partitions):
        yield Sent(partition=partition, key=bookmark.KEY, value=Bookmark(partitions=partitions).encode())


def past_of(who: Crowd) -> State:
    """What the tracker knows of each: 36 sessions, a habit of 90 days, a course."""
    plan = compile_rulebook(load_rulebook(RULEBOOK.read_text(), str(RULEBOOK)))
    state: State | None = None
    for day in range(_HABIT_DAYS):
        at = who.began_on + timedelta(days=day, hours=7)
        for said in _of_a_past_day(day, at):
            state = advance(state, said, plan, round(at.timestamp() * 1000)).state
    assert state is not None
    return state


def log(who: Crowd, events: int, partitions: int) -> Iterator[Sent]:
    """Day after day, client after client: a habit is checked, and on four days of five there is a session."""
    offsets = [0] * partitions
    for number, (client, day, data) in zip(range(events), _said(who), strict=False):
        key = client_key(TENANT, _name(client))
        home = partition_of(key, partitions)
        at = who.began_on + timedelta(days=_HABIT_DAYS + day, seconds=client * 86_000 // who.clients)
        value = encode_event(event(f"{home}-{offsets[home]}-{number}", _name(client), at, data))
        yield Sent(partition=home, key=key, value=value)
        offsets[home] += 1


def _said(who: Crowd) -> Iterator[tuple[int, int, HabitData | SessionData]]:
    day = 0
    while True:
        for client in range(who.clients):
            yield client, day, HabitData(habit_id="morning-walk")
            if (client + day) % 5:
                yield client, day, SessionData(session_id=f"bench:1:{client}-{day}")
        day += 1


def _of_a_past_day(day: int, at: datetime) -> Iterator[Event]:
    yield event(f"habit-{day}", _name(0), at, HabitData(habit_id="morning-walk"))
    if day % 5 < 2:
        yield event(f"session-{day}", _name(0), at, SessionData(session_id=f"bench:0:{day}"))
    if day % 9 == 0:
        progress = CourseProgressData(course_id="nutrition", percent=day)
        yield Event(
            id=f"course-{day}",
            source="bench",
            type="course.progressed",
            tenant=TENANT,
            client=_name(0),
            occurred_at=at,
            data=progress,
        )


def _name(client: int) -> str:
    return f"m{client:07}"
