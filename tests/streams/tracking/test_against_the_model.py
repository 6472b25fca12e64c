"""The core against the naive model: whatever happens to a client, both say the same, step by step."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.client import Profile
from schemas.codec import decode_event
from schemas.milestone import Milestone
from schemas.rulebook import load_rulebook
from schemas.yaml_lines import read_yaml
from streams.tracking.adopt import apply_profile
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.hearing import share_of
from streams.tracking.instants import to_ms
from streams.tracking.state import State, decode_state, encode_state
from streams.tracking.tick import tick
from tests.model.model import NaiveTracker

BEGIN = datetime(2026, 3, 20, 9, tzinfo=UTC)
WHO = "t1/c1"
EXAMPLES = int(os.environ.get("CAIRN_LAW_EXAMPLES", "400"))
MINUTE = 60_000

RULES = """
  - {id: first, tier: micro, when: {count: session.completed, reaches: [1, 2, 4]}}
  - {id: yoga, tier: micro, when: {count: session.completed, reaches: [1, 2]}, where: {kind: [yoga]}}
  - {id: every, tier: micro, when: {count: session.completed, every: 2}, settle: 3h}
  - {id: booked, tier: micro, when: {count: session.booked, reaches: [1]}}
  - {id: streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [2, 4]}, repeat: per-streak}
  - {id: once, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3]}}
  - {id: any, tier: streak, when: {streak: habit.checked, days: [3]}, repeat: per-streak}
  - {id: lapse, tier: nudge, when: {lapse: streak, min_days: 2}}
  - {id: lapse-any, tier: nudge, when: {lapse: any, min_days: 2}}
  - {id: course, tier: program, when: {percent: course.progressed, of: percent, per: course_id, reaches: [50, 100]}}
  - {id: goal, tier: micro, when: {count: goal.completed, reaches: [1, 2]}, settle: 1d}
  - {id: core, tier: major, when: {count: goal.completed, per: goal_id, reaches: [1]}, where: {kind: [core]}}
  - {id: graduate, tier: major, when: {count: program.completed, per: program_id, reaches: [1]}}
  - {id: spent, tier: program, when: {sum: purchase.completed, of: amount_cents, reaches: [100, 250]},
     where: {currency: [USD]}}
  - {id: lighter, tier: program, when: {value: weight.logged, of: kilos, falls_to: [80, 78.5]}}
  - {id: stronger, tier: program, when: {value: weight.logged, of: kilos, reaches: [82]}}
  - {id: far, tier: micro, when: {sum: run.logged, of: km, every: 10}}
  - {id: later, tier: micro, when: {count: run.logged, reaches: [2]}, effective_from: 2026-03-24}
  - {id: some, tier: micro, when: {count: run.logged, reaches: [1]}, clients: {share: 0.5}}
  - {id: tagged, tier: micro, when: {count: run.logged, reaches: [1]}, clients: {tags: [vip]}}
  - {id: birthday, tier: micro, when: {date: birthday, at: "09:00"}}
  - {id: years, tier: streak, when: {date: joined_on, every: year, at: "02:30"}}
  - {id: settled, tier: micro, when: {date: joined_on, days_after: [5, 9], at: "09:00"}}
  - {id: renewal, tier: nudge, when: {date: renewal_on, days_before: 3, at: "23:30"}}
"""
DEFAULTS = "{timezone: Europe/Vienna, day_starts_at: '03:00', grace_hours: 12, session_hold_off_minutes: 60}"
TEXT = f"defaults: {DEFAULTS}\nrules:\n{RULES}"
PLAN = compile_rulebook(load_rulebook(TEXT, "model.yaml"))
BOOK, _ = read_yaml(TEXT)

Step = tuple[str, int, int, Any]
"""What happens: kind, minutes that pass before it, minutes by which it happened earlier, and what it says."""

passing = st.one_of(st.integers(1, 90), st.integers(300, 2_000))
earlier = st.one_of(st.just(0), st.just(0), st.integers(1, 3_000))
habits = st.sampled_from(["run", "swim"])
things = st.sampled_from(["a", "b"])
days = st.integers(-5, 1)


def _day(offset: int, at: datetime) -> str:
    return f"{at.date() + timedelta(days=offset):%Y-%m-%d}"


def _data(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


events: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "session.booked": _data(session_id=things, hours=st.integers(-3, 40)),
    "session.rescheduled": _data(session_id=things, hours=st.integers(-3, 60)),
    "session.completed": _data(session_id=things),
    "session.canceled": _data(session_id=things),
    "session.no_show": _data(session_id=things),
    "session.attended": _data(session_id=things),
    "habit.checked": _data(habit_id=habits, day=days),
    "habit.unchecked": _data(habit_id=habits, day=days),
    "streak.reported": _data(habit_id=habits, day=days, days=st.integers(1, 4)),
    "streak.paused": _data(habit_id=st.none() | habits, first=days, length=st.none() | st.integers(0, 4)),
    "streak.repaired": _data(habit_id=habits, day=days),
    "course.progressed": _data(course_id=things, percent=st.sampled_from([10, 40, 50, 60.5, 100])),
    "course.completed": _data(course_id=things),
    "goal.completed": _data(goal_id=things, kind=st.just("core")),
    "goal.reopened": _data(goal_id=things),
    "program.completed": _data(program_id=things),
    "purchase.completed": st.sampled_from(
        [
            {"order_id": "a", "amount_cents": 60, "currency": "USD"},
            {"order_id": "b", "amount_cents": 200, "currency": "USD"},
            {"order_id": "c", "amount_cents": 200, "currency": "EUR"},
        ]
    ),
    "purchase.refunded": _data(order_id=things, amount_cents=st.sampled_from([50, 100]), currency=st.just("USD")),
    "weight.logged": _data(kilos=st.sampled_from([78, 78.5, 79, 80, 81, 82, 83.5])),
    "run.logged": _data(km=st.sampled_from([0.1, 3, 7.7, 12])),
}
retractions = st.tuples(st.just("event.retracted"), passing, st.just(0), st.integers(0, 12))
silent = st.sampled_from([False, False, False, True])
happenings = st.one_of(
    *[
        st.tuples(st.just(kind), passing, earlier, st.tuples(data, silent))
        for kind, data in events.items()
        for _ in range(4 if kind.startswith(("habit", "session.c", "session.b")) else 1)
    ],
    *[retractions] * 3,
)
profiles = st.tuples(
    st.just("profile"),
    passing,
    st.just(0),
    st.fixed_dictionaries(
        {},
        optional={
            "timezone": st.sampled_from(["America/Los_Angeles", "Pacific/Kiritimati", "UTC"]),
            "day_starts_at": st.sampled_from(["00:00", "05:00"]),
            "birthday": st.sampled_from(["03-25", "1990-03-29", "02-29"]),
            "joined_on": st.sampled_from(["2025-03-28", "2026-03-19"]),
            "renewal_on": st.sampled_from(["2026-03-28", "2026-04-01"]),
            "status": st.sampled_from(["active", "paused"]),
            "tags": st.sampled_from([[], ["vip"]]),
        },
    ),
)
pauses = st.tuples(st.just("wait"), st.integers(1_500, 9_000), st.just(0), st.none())
stories = st.lists(st.one_of(happenings, happenings, happenings, happenings, profiles, pauses), max_size=22)


class Both:
    """One client's story, told to the core and to the model in the same steps."""

    def __init__(self) -> None:
        self.model = NaiveTracker(BOOK, share_of=lambda rule, client: share_of(rule, f"t1/{client}"))
        self.state: State | None = None
        self.now = BEGIN
        self.ids: list[str] = []
        self.times: set[datetime] = set()

    def tell(self, step: Step) -> tuple[list[Any], list[Any]]:
        kind, pass_minutes, ago_minutes, said = step
        self.now += timedelta(minutes=pass_minutes)
        now_ms = to_ms(self.now)
        ours, theirs = self._tick(now_ms), self.model.tick(now_ms)
        if kind == "profile":
            profile = Profile.model_validate(said)
            self.state = apply_profile(self.state, profile, WHO, PLAN, now_ms)
            theirs += self.model.profile("c1", said, now_ms)
        elif kind != "wait":
            wire = self._wire(kind, ago_minutes, said)
            if wire is not None:
                advanced = advance(self._reread(), decode_event((), msgspec.json.encode(wire)), PLAN, now_ms)
                assert advanced.refusal is None
                self.state = advanced.state
                ours += advanced.milestones
                theirs += self.model.event(wire, now_ms)
        return sorted(map(_mine, ours), key=str), sorted(map(_theirs, theirs), key=str)

    def _tick(self, now_ms: int) -> list[Milestone]:
        if self.state is None:
            return []
        ticked = tick(self.state, PLAN, now_ms)
        self.state = ticked.state
        return list(ticked.milestones)

    def _reread(self) -> State | None:
        return None if self.state is None else decode_state(encode_state(self.state), WHO)

    def _wire(self, kind: str, ago_minutes: int, said: Any) -> dict[str, Any] | None:
        """The event; None where it says nothing that both are asked about. No two happen in the same second."""
        at = self.now - timedelta(minutes=ago_minutes)
        while at in self.times:
            at -= timedelta(seconds=1)
        self.times.add(at)
        if kind == "event.retracted":
            if said >= len(self.ids):
                return None
            data, is_silent = {"event_id": self.ids[-1 - said]}, False
        else:
            data, is_silent = _spoken(kind, dict(said[0]), at), said[1]
        name = f"e{len(self.times)}"
        if kind != "event.retracted":
            self.ids.append(name)
        return {
            "specversion": "1.0", "id": name, "source": "app", "type": kind, "subject": "c1", "tenantid": "t1",
            "time": at.isoformat(), "silent": is_silent, "data": data,
        }  # fmt: skip


def _spoken(kind: str, data: dict[str, Any], at: datetime) -> dict[str, Any]:
    if data.get("session_id") == "b":
        data["kind"] = "yoga"  # what is said of one session does not differ
    if "hours" in data:
        ends = at + timedelta(hours=data.pop("hours"))
        data |= {"starts_at": (ends - timedelta(minutes=50)).isoformat(), "ends_at": ends.isoformat()}
    if kind == "streak.paused":
        first, length = data.pop("first"), data.pop("length")
        data |= {"from": _day(first, at), "reason": "ill", "author": "mara"}
        data |= {} if length is None else {"until": _day(first + length, at)}
    if kind == "streak.repaired":
        data |= {"reason": "ours", "author": "mara"}
    if isinstance(data.get("day"), int):
        data["day"] = _day(data["day"], at)
    return {name: value for name, value in data.items() if value is not None}


def _mine(found: Milestone) -> tuple[Any, ...]:
    return _compared(
        found.type, found.rule, found.threshold, found.occurrence, found.revision, found.value, found.reached_at
    )


def _theirs(found: dict[str, Any]) -> tuple[Any, ...]:
    names = ("type", "rule", "threshold", "occurrence", "revision", "value", "reached_at")
    return _compared(*(found[name] for name in names))


def _compared(kind: str, rule: str, threshold: Any, occurrence: str, revision: int, value: Any, at: Any) -> Any:
    """What both must say; of a withdrawal its value and time are the core's own."""
    identity = (rule, threshold, occurrence, revision, kind)
    return identity if kind == "milestone.retracted" else (*identity, round(value, 6), at)


@settings(
    deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(stories)
def test_the_core_says_what_the_model_says(story: list[Step]) -> None:
    both = Both()
    for step in [*story, ("wait", 30_000, 0, None)]:
        ours, theirs = both.tell(step)
        assert ours == theirs, step
