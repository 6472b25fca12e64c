"""The model holds itself to the laws that the design names: duplicates, and the order of arrival (semantics 2, 11)."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.model import NaiveTracker
from tests.model.story import book

RULES = (
    "id: sessions, when: {count: session.completed, reaches: [1, 2, 3]}",
    "id: goals, when: {count: goal.completed, reaches: [1, 2]}",
    "id: spent, when: {sum: purchase.completed, of: amount_cents, reaches: [100, 200]}",
    "id: course, when: {percent: course.progressed, per: course_id, reaches: [50, 100]}",
    "id: kilos, when: {value: weight.logged, of: kilos, falls_to: [80, 70]}",
    "id: once, when: {streak: habit.checked, per: habit_id, days: [2, 3]}",
    "id: runs, when: {streak: habit.checked, days: [2, 3]}, repeat: per-streak",
    "id: broken, when: {lapse: runs, min_days: 2}",
)
ONCE = {"sessions", "goals", "spent", "course", "kilos", "once"}
BEGIN = datetime.fromisoformat("2026-05-01T10:00:00+00:00")
END_MS = int((BEGIN + timedelta(days=30)).timestamp() * 1000)


def wire(number: int, drawn: tuple[str, str, int]) -> dict[str, Any]:
    event_type, which, amount = drawn
    at = BEGIN + timedelta(hours=7 * number)
    data: dict[str, Any] = {
        "session_id": which,
        "goal_id": which,
        "order_id": which,
        "course_id": which,
        "habit_id": which,
    }
    data |= {"starts_at": BEGIN.isoformat(), "ends_at": (BEGIN + timedelta(days=amount)).isoformat(), "currency": "USD"}
    data |= {"amount_cents": 60, "percent": amount * 20, "kilos": 60 + 6 * amount, "reason": "r", "author": "a"}
    data |= {
        "event_id": f"e{amount}",
        "day": f"2026-05-{amount + 1:02}",
        "days": amount,
        "from": f"2026-05-{amount + 1:02}",
    }
    if event_type == "weight.logged":
        data = {"kilos": data["kilos"]}
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "app", "type": event_type, "subject": "c", "tenantid": "t",
        "time": at.isoformat(), "data": data,
    }  # fmt: skip


def fold(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], set[tuple[Any, ...]]]:
    """The milestones, and which awards stand at the end."""
    model = NaiveTracker(book(*RULES))
    told = [milestone for event in events for milestone in [*model.tick(END_MS), *model.event(event, END_MS)]]
    told += model.tick(END_MS)
    standing: dict[tuple[Any, ...], bool] = {}
    for milestone in told:
        identity = (milestone["rule"], milestone["threshold"], milestone["occurrence"])
        assert standing.get(identity, False) is (milestone["type"] == "milestone.retracted"), milestone
        standing[identity] = milestone["type"] == "milestone.reached"
    return told, {identity for identity, stands in standing.items() if stands}


def once_awards(events: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """What stands of the rules that award once; the first day in a streak's name is that of its first crossing."""
    return {
        (rule, threshold, occurrence.partition("/")[0])
        for rule, threshold, occurrence in fold(events)[1]
        if rule in ONCE
    }


TYPES = (
    "session.booked", "session.completed", "session.canceled", "session.attended", "goal.completed", "goal.reopened",
    "purchase.completed", "purchase.refunded", "course.progressed", "weight.logged", "habit.checked",
    "habit.unchecked", "streak.reported", "streak.paused", "streak.repaired", "event.retracted",
)  # fmt: skip
histories = st.lists(
    st.tuples(st.sampled_from(TYPES), st.sampled_from("ab"), st.integers(0, 6)), min_size=1, max_size=8
).map(lambda drawn: [wire(number, one) for number, one in enumerate(drawn)])


@settings(deadline=None, max_examples=60)
@given(histories, st.randoms(use_true_random=False))
def test_what_is_awarded_once_does_not_depend_on_the_order_of_arrival(history: list[Any], random: Any) -> None:
    shuffled = random.sample(history, len(history))
    assert once_awards(history) == once_awards(shuffled)


@settings(deadline=None, max_examples=40)
@given(histories)
def test_what_arrives_twice_changes_nothing(history: list[Any]) -> None:
    assert fold([event for event in history for _ in range(2)])[0] == fold(history)[0]
