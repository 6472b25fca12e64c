"""A client's story, told event by event to the tracking core; the clock is moved by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.client import Profile
from schemas.codec import decode_event
from schemas.event import Event
from schemas.milestone import Milestone
from schemas.rulebook import load_rulebook
from streams.tracking.adopt import adopt, apply_profile
from streams.tracking.advance import Advanced, advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.plan import Plan
from streams.tracking.state import State, decode_state, encode_state
from streams.tracking.tick import tick

MAY = datetime(2026, 5, 1, tzinfo=UTC)
SESSIONS = "{id: sessions, tier: micro, when: {count: session.completed, reaches: [1, 2, 3]}}"
STREAK = "{id: streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3, 5]}, repeat: per-streak}"
ONCE = "{id: once, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3]}}"
HALFWAY = "{id: course, tier: program, when: {percent: course.progressed, per: course_id, reaches: [50, 100]}}"
GOALS = "{id: goals, tier: micro, when: {count: goal.completed, reaches: [1, 2]}}"


def plan_of(*rules: str, defaults: str = "{}") -> Plan:
    lines = "\n".join(f"  - {rule}" for rule in rules)
    return compile_rulebook(load_rulebook(f"defaults: {defaults}\nrules:\n{lines}\n", "test.yaml"))


def at(day: int, hour: float = 8) -> datetime:
    """An hour of a day of May 2026 in UTC; day 32 is the first of June."""
    return MAY + timedelta(days=day - 1, hours=hour)


def event(event_type: str, when: datetime, *, named: str | None = None, silent: bool = False, **data: Any) -> Event:
    """An event as the codec hands it on."""
    wire = {
        "id": named or f"{event_type}-{when.isoformat()}-{sorted(data.items())}",
        "source": "test",
        "type": event_type,
        "subject": "c1",
        "tenantid": "t1",
        "time": when,
        "silent": silent,
        "data": data,
    }
    return decode_event((), msgspec.json.encode(wire))


def check(day: int, when: datetime | None = None, *, habit_id: str = "run", **more: Any) -> Event:
    return event("habit.checked", when or at(day), habit_id=habit_id, day=f"{at(day):%Y-%m-%d}", **more)


def uncheck(day: int, when: datetime | None = None, *, habit_id: str = "run", **more: Any) -> Event:
    return event("habit.unchecked", when or at(day, 20), habit_id=habit_id, day=f"{at(day):%Y-%m-%d}", **more)


def booked(session_id: str, when: datetime, ends: datetime, **more: Any) -> Event:
    return event(
        "session.booked", when, session_id=session_id, starts_at=ends - timedelta(hours=1), ends_at=ends, **more
    )


def rescheduled(session_id: str, when: datetime, ends: datetime, **more: Any) -> Event:
    return event(
        "session.rescheduled", when, session_id=session_id, starts_at=ends - timedelta(hours=1), ends_at=ends, **more
    )


def paused(first: int, last: int | None = None, when: datetime | None = None, **more: Any) -> Event:
    """A pause from a day of May to another, both inclusive; without the other it is open."""
    span = {"from": f"{at(first):%Y-%m-%d}"} | ({} if last is None else {"until": f"{at(last):%Y-%m-%d}"})
    return event("streak.paused", when or at(first), reason="ill", author="mara", **span, **more)


def repaired(day: int, when: datetime | None = None, *, habit_id: str = "run", **more: Any) -> Event:
    vouched = {"habit_id": habit_id, "day": f"{at(day):%Y-%m-%d}", "reason": "our outage", "author": "mara"}
    return event("streak.repaired", when or at(day + 1), **vouched, **more)


def retracted(of: Event, when: datetime) -> Event:
    return event("event.retracted", when, event_id=of.id)


class Story:
    """One client under one rulebook; keeps what was emitted."""

    def __init__(self, *rules: str, defaults: str = "{}", state: State | None = None) -> None:
        self.plan = plan_of(*rules, defaults=defaults)
        self.state = state
        self.milestones: list[Milestone] = []
        self._heard = 0

    def tell(self, *events: Event, now: datetime | None = None) -> Advanced:
        """Fold events one by one; every state goes through its bytes in between; says what the last one did."""
        told = Advanced(self.state or State(), (), "unused")
        for each in events:
            known = None if self.state is None else decode_state(encode_state(self.state), self.state.who)
            told = advance(known, each, self.plan, to_ms(now or max(each.occurred_at, at(1))))
            self.state = told.state
            self.milestones += told.milestones
        return told

    def wait_until(self, now: datetime) -> None:
        assert self.state is not None
        self.state, milestones = tick(self.state, self.plan, to_ms(now))
        self.milestones += milestones

    def profile(self, *, now: datetime = MAY, **fields: Any) -> None:
        """A whole profile comes; what is due by then has to be waited for before."""
        self.state = apply_profile(self.state, Profile.model_validate(fields), "t1/c1", self.plan, to_ms(now))

    def adopt(self, *rules: str, now: datetime) -> None:
        """Another rulebook comes into force."""
        assert self.state is not None
        self.plan = plan_of(*rules)
        self.state = adopt(self.state, self.plan, to_ms(now))

    @property
    def said(self) -> list[str]:
        """What was emitted: `rule threshold`, with the revision when it is not the first, `-` when withdrawn."""
        return [spoken(milestone) for milestone in self.milestones]

    def heard(self) -> list[str]:
        """What was emitted since this was last asked."""
        self._heard, before = len(self.milestones), self._heard
        return self.said[before:]

    def count(self, counter: str) -> int:
        assert self.state is not None
        return self.state.counts.get(counter, 0)


def spoken(milestone: Milestone) -> str:
    sign = "" if milestone.type == "milestone.reached" else "-"
    revision = f" r{milestone.revision}" if milestone.revision > 1 else ""
    return f"{sign}{milestone.rule} {milestone.threshold}{revision}"


def told(events: Iterable[Event], *rules: str) -> Story:
    """The story of some events in the order given."""
    story = Story(*rules)
    story.tell(*events, now=at(20))
    return story
