"""The model is checked by hand: examples of each numbered semantic of counts, sessions and history."""

from typing import Any

import pytest

from tests.model.story import Story

SESSIONS = "id: sessions, when: {count: session.completed, reaches: [1, 3]}"
GOAL = "id: goal, when: {count: goal.completed, per: goal_id, reaches: [1]}"
WEIGHT = "id: kilos, when: {value: weight.logged, of: kilos, falls_to: [80, 90]}"
COURSE = "id: course, when: {percent: course.progressed, of: percent, per: course_id, reaches: [50, 100]}"
BUYER = "id: buyer, when: {sum: purchase.completed, of: amount_cents, reaches: [500]}, where: {currency: [USD]}"
TENTH = "id: tenth, when: {count: lesson.completed, every: 2}"
STEPS = "id: steps, when: {sum: steps.walked, of: steps, every: 1000}"


def sessions(story: Story, *days: int, **more: Any) -> list[str]:
    found = [story.send("session.completed", f"2026-05-{day:02}T10:00", session_id=f"s{day}", **more) for day in days]
    return [milestone for milestones in found for milestone in milestones]


def book_session(story: Story, at: str, **more: Any) -> list[str]:
    times: dict[str, Any] = {"starts_at": "2026-05-08T10:00:00Z", "ends_at": "2026-05-08T11:00:00Z"}
    return story.send("session.booked", at, session_id="s", **{**times, **more})


# 1. Crossing
def test_every_threshold_that_is_crossed_fires() -> None:
    story = Story(STEPS)
    assert story.send("steps.walked", "2026-05-01T10:00", steps=2500) == [
        "+steps 1000 once = 2500 #1",
        "+steps 2000 once = 2500 #1",
    ]
    assert story.send("steps.walked", "2026-05-02T10:00", steps=499) == []


def test_a_value_falls_to_its_thresholds_once_and_never_rises_to_them() -> None:
    story = Story(WEIGHT)
    told = [story.send("weight.logged", f"2026-05-0{day}T10:00", kilos=kilos) for day, kilos in enumerate((95, 80), 1)]
    assert told == [[], ["+kilos 90 once = 80 #1", "+kilos 80 once = 80 #1"]]
    assert story.send("weight.logged", "2026-05-03T10:00", kilos=95) == []
    assert story.send("weight.logged", "2026-05-04T10:00", kilos=79) == []


def test_the_first_value_crosses_nothing() -> None:
    assert Story(WEIGHT).send("weight.logged", "2026-05-01T10:00", kilos=70) == []


def test_a_value_that_was_measured_earlier_completes_the_crossing() -> None:
    story = Story(WEIGHT)
    story.send("weight.logged", "2026-05-02T10:00", kilos=85)
    assert story.send("weight.logged", "2026-05-01T10:00", arrives="2026-05-03T10:00", kilos=95) == [
        "+kilos 90 once = 85 #1"
    ]
    assert story.told[0]["reached_at"].day == 2


def test_every_counts_multiples_and_where_and_per_choose() -> None:
    story = Story(TENTH, "id: yoga, when: {count: session.completed, per: kind, reaches: [2]}, where: {kind: [yoga]}")
    assert [story.send("lesson.completed", "2026-05-01T10:00", course_id="c", lesson_id=f"l{n}") for n in range(4)] == [
        [], ["+tenth 2 once = 2 #1"], [], ["+tenth 4 once = 4 #1"],
    ]  # fmt: skip
    assert sessions(story, 1, kind="run") + sessions(story, 2, 3, kind="yoga") == ["+yoga 2 yoga = 2 #1"]


# 2. Duplicates
def test_an_id_or_a_business_key_counts_once() -> None:
    story = Story("id: two, when: {count: session.completed, reaches: [2]}")
    story.send("session.completed", "2026-05-01T10:00", session_id="s1", id="tool")
    assert story.send("session.completed", "2026-05-01T10:00", session_id="s2", id="tool") == []
    assert story.send("session.completed", "2026-05-01T10:00", session_id="s1", id="platform") == []
    assert story.send("session.completed", "2026-05-02T10:00", session_id="s2") == ["+two 2 once = 2 #1"]


def test_a_second_report_stands_in_for_a_retracted_first() -> None:
    story = Story("id: one, when: {count: session.completed, reaches: [1]}")
    for name in ("tool", "platform"):
        story.send("session.completed", "2026-05-01T10:00", session_id="s1", id=name)
    assert story.send("event.retracted", "2026-05-02T10:00", event_id="tool") == []
    assert story.send("event.retracted", "2026-05-02T11:00", event_id="platform") == ["-one 1 once = 0 #1"]


@pytest.mark.parametrize(("day", "expected"), [("2026-06-05", []), ("2026-06-06", ["+two 2 once = 2 #1"])])
def test_duplicates_are_known_for_35_days(day: str, expected: list[str]) -> None:
    story = Story("id: two, when: {count: program.completed, reaches: [2]}")
    story.send("program.completed", "2026-05-01T10:00", program_id="p")
    assert story.send("program.completed", f"{day}T10:00", program_id="p") == expected


def test_duplicates_are_known_for_512_records() -> None:
    story = Story("id: two, when: {count: program.completed, reaches: [2]}")
    story.send("program.completed", "2026-05-01T10:00", program_id="p")
    for number in range(512):
        story.send("tea.drunk", "2026-05-01T10:00", id=f"tea{number}")
    assert story.send("program.completed", "2026-05-01T10:00", program_id="p") == ["+two 2 once = 2 #1"]


def test_a_reversed_key_counts_again() -> None:
    story = Story(GOAL)
    assert story.send("goal.completed", "2026-05-01T10:00", goal_id="g") == ["+goal 1 g = 1 #1"]
    assert story.send("goal.reopened", "2026-05-02T10:00", goal_id="g") == ["-goal 1 g = 0 #1"]
    assert story.send("goal.completed", "2026-05-03T10:00", goal_id="g") == ["+goal 1 g = 1 #2"]


# 6. Booked is not attended
def test_a_booked_session_counts_after_its_hold_off() -> None:
    story = Story(SESSIONS)
    book_session(story, "2026-05-01T10:00")
    assert story.tick("2026-05-08T12:59") == []
    assert story.tick("2026-05-08T13:00") == ["+sessions 1 once = 1 #1"]
    assert story.told[0]["reached_at"].hour == 11
    assert story.send("session.completed", "2026-05-08T14:00", session_id="s") == []
    assert story.model.refusals == []


def test_a_no_show_reverses_and_attended_restores() -> None:
    story = Story(SESSIONS)
    book_session(story, "2026-05-01T10:00")
    story.tick("2026-05-08T13:00")
    assert story.send("session.no_show", "2026-05-08T14:00", session_id="s") == ["-sessions 1 once = 0 #1"]
    assert story.send("session.attended", "2026-05-08T15:00", session_id="s") == ["+sessions 1 once = 1 #2"]


def test_a_cancel_that_overtakes_its_booking_cancels_it() -> None:
    story = Story(SESSIONS)
    story.send("session.canceled", "2026-05-02T10:00", session_id="s")
    book_session(story, "2026-05-01T10:00", kind="yoga")
    assert story.tick("2026-06-01T10:00") == []


def test_a_reschedule_moves_the_session() -> None:
    story = Story(SESSIONS)
    book_session(story, "2026-05-01T10:00")
    moved: dict[str, Any] = {"starts_at": "2026-05-09T10:00:00Z", "ends_at": "2026-05-09T11:00:00Z"}
    story.send("session.rescheduled", "2026-05-02T10:00", session_id="s", **moved)
    assert story.tick("2026-05-09T12:59") == []
    assert story.tick("2026-05-09T13:00") == ["+sessions 1 once = 1 #1"]


def test_an_explicit_completion_counts_at_once_and_once() -> None:
    story = Story(SESSIONS)
    book_session(story, "2026-05-01T10:00")
    assert story.send("session.completed", "2026-05-08T11:00", session_id="s") == ["+sessions 1 once = 1 #1"]
    assert story.tick("2026-06-01T10:00") == []


# 7. Percent
def test_percent_is_a_high_water_mark_and_completion_raises_it() -> None:
    story = Story(COURSE)
    told = [
        story.send("course.progressed", f"2026-05-01T1{n}:00", course_id="c", percent=p)
        for n, p in enumerate((40, 60, 30, 55))
    ]
    assert told == [[], ["+course 50 c = 60 #1"], [], []]
    assert story.send("course.completed", "2026-05-02T10:00", course_id="c") == ["+course 100 c = 100 #1"]


# 8. Reversal
def test_a_mark_falls_to_the_next_highest_kept() -> None:
    story = Story(COURSE)
    story.send("course.progressed", "2026-05-01T10:00", course_id="c", percent=60)
    story.send("course.progressed", "2026-05-02T10:00", course_id="c", percent=100, id="wrong")
    assert story.send("event.retracted", "2026-05-03T10:00", event_id="wrong") == ["-course 100 c = 60 #1"]


def test_a_refund_takes_its_own_amount() -> None:
    story = Story(BUYER)
    bought: dict[str, Any] = {"order_id": "o", "currency": "USD"}
    assert story.send("purchase.completed", "2026-05-01T10:00", amount_cents=600, **bought) == [
        "+buyer 500 once = 600 #1"
    ]
    assert story.send("purchase.refunded", "2026-05-02T10:00", amount_cents=50, **bought) == []
    assert story.send("purchase.refunded", "2026-05-03T10:00", amount_cents=100, **bought) == [
        "-buyer 500 once = 450 #1"
    ]
    other: dict[str, Any] = {"order_id": "p", "currency": "EUR", "amount_cents": 900}
    assert story.send("purchase.completed", "2026-05-04T10:00", **other) == []
    assert story.send("purchase.completed", "2026-05-05T10:00", **{**other, "currency": "USD", "order_id": "q"}) == [
        "+buyer 500 once = 1350 #2"
    ]


def test_a_retraction_before_its_event_bars_the_id() -> None:
    story = Story(SESSIONS)
    story.send("event.retracted", "2026-05-01T10:00", event_id="barred")
    assert story.send("session.completed", "2026-05-02T10:00", session_id="s", id="barred") == []
    assert sessions(story, 3) == ["+sessions 1 once = 1 #1"]


def test_a_retraction_outside_the_window_is_refused() -> None:
    story = Story(SESSIONS)
    story.send("session.completed", "2026-05-01T10:00", session_id="s", id="old")
    assert story.send("event.retracted", "2026-06-10T10:00", event_id="old") == []
    assert [detail for _, detail in story.model.refusals] == ["the event lies outside the window"]


# 9. Settle
def test_a_settled_milestone_waits_and_a_reversal_cancels_it() -> None:
    story = Story(f"{GOAL}, settle: 10m")
    assert story.send("goal.completed", "2026-05-01T10:00", goal_id="g") == []
    assert story.send("goal.reopened", "2026-05-01T10:05", goal_id="g") == []
    assert story.send("goal.completed", "2026-05-01T10:08", goal_id="g") == []
    assert story.tick("2026-05-01T10:17") == []
    assert story.tick("2026-05-01T10:18") == ["+goal 1 g = 1 #1"]
    assert story.told[0]["reached_at"].minute == 8


# 10. History
def test_a_silent_crossing_stays_silent() -> None:
    story = Story(SESSIONS)
    assert sessions(story, 1, silent=True) == []
    assert story.send("session.canceled", "2026-05-02T10:00", session_id="s1") == []
    assert sessions(story, 3) == []
    assert sessions(story, 4, 5) == ["+sessions 3 once = 3 #1"]


@pytest.mark.parametrize(
    "option", ["effective_from: 2026-05-02", "clients: {share: 0.5}", "clients: {tags: [vip]}", "clients: {ids: [c2]}"]
)
def test_a_crossing_outside_of_the_rule_is_never_made_up(option: str) -> None:
    story = Story(f"{SESSIONS}, {option}", share=0.5)
    assert sessions(story, 1) == []
    assert story.rules("2026-05-03T10:00", SESSIONS) == []
    assert sessions(story, 4) == []
    assert sessions(story, 5) == ["+sessions 3 once = 3 #1"]


def test_a_new_rule_starts_from_the_count_of_its_signature() -> None:
    story = Story(SESSIONS)
    sessions(story, 1, 2)
    more = "id: more, when: {count: session.completed, reaches: [2, 4]}"
    yoga = "id: yoga, when: {count: session.completed, reaches: [1, 2]}, where: {kind: yoga}"
    assert story.rules("2026-05-02T11:00", SESSIONS, more, yoga) == []
    assert sessions(story, 3, 4, kind="yoga") == [
        "+sessions 3 once = 3 #1", "+yoga 1 once = 1 #1", "+more 4 once = 4 #1", "+yoga 2 once = 2 #1",
    ]  # fmt: skip


def test_a_disabled_rule_says_nothing() -> None:
    assert sessions(Story(f"{SESSIONS}, enabled: false"), 1) == []


# 11. Late and out of order
def test_a_reversal_undoes_what_happened_before_it_whatever_arrives_first() -> None:
    story = Story(GOAL)
    story.send("goal.reopened", "2026-05-02T10:00", goal_id="g")
    assert story.send("goal.completed", "2026-05-01T10:00", arrives="2026-05-03T10:00", goal_id="g") == []
    assert story.send("goal.completed", "2026-05-03T10:00", goal_id="g") == ["+goal 1 g = 1 #1"]


# 13. Poison
def test_the_next_record_goes_on_after_a_refusal() -> None:
    story = Story(SESSIONS)
    story.send("session.completed", "2026-05-03T10:01", arrives="2026-05-02T10:00", session_id="s1")
    story.send("session.completed", "2026-05-02T10:00", session_id=7)
    story.profile("2026-05-02T10:00", timezone="Mars/Base")
    assert [reason for reason, _ in story.model.refusals] == ["time_in_future", "wrong_data", "wrong_profile"]
    assert sessions(story, 3, timezone="Mars/Base") == ["+sessions 1 once = 1 #1"]
