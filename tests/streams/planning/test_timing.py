"""Quiet hours, caps, release, back-off and verdicts, each by itself."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.policy import Cap, QuietHours
from schemas.tenant import Coach
from streams.planning.answer import Override, answer_for
from streams.planning.backoff import MAX_ATTEMPTS, backoff_seconds
from streams.planning.caps import free_at
from streams.planning.client_view import fallback_zone, view_client
from streams.planning.objections import Objection, Question
from streams.planning.quiet_hours import quiet_until
from streams.planning.release import Wait, objection_to_release
from streams.planning.timing import first_time
from streams.planning.verdicts import (
    MAX_DEFERRALS,
    Case,
    on_absence,
    on_budget,
    on_doubt,
    on_fault,
    on_objection,
    on_outcome,
)
from tests.streams.planning.planning_cases import MORNING, NIGHT, NOON, client, policy, won

UTC_ZONE = ZoneInfo("UTC")
VIENNA = ZoneInfo("Europe/Vienna")
ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")


def hours(start: str, end: str) -> QuietHours:
    return QuietHours.model_validate({"from": start, "to": end})


@pytest.mark.parametrize(
    ("at", "quiet", "until"),
    [
        ("20:59", ("21:00", "08:00"), None),
        ("21:00", ("21:00", "08:00"), "2026-05-06T08:00"),
        ("07:59", ("21:00", "08:00"), "2026-05-05T08:00"),
        ("08:00", ("21:00", "08:00"), None),
        ("12:30", ("12:00", "13:00"), "2026-05-05T13:00"),
        ("13:00", ("12:00", "13:00"), None),
        ("12:00", ("12:00", "12:00"), None),
    ],
)
def test_quiet_hours_wrap_midnight(at: str, quiet: tuple[str, str], until: str | None) -> None:
    now = datetime.combine(NOON.date(), time.fromisoformat(at), UTC)
    expected = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    assert quiet_until(now, hours(*quiet), UTC_ZONE) == expected


def test_a_night_with_a_gap_ends_by_the_clock_on_the_wall() -> None:
    before = datetime(2026, 3, 28, 22, tzinfo=VIENNA)
    assert quiet_until(before, hours("21:00", "08:00"), VIENNA) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_an_end_inside_a_gap_comes_after_it() -> None:
    before = datetime(2026, 3, 29, 1, tzinfo=VIENNA)
    assert quiet_until(before, hours("21:00", "02:30"), VIENNA) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_hour_that_comes_twice_is_quiet_twice() -> None:
    second = datetime(2026, 10, 25, 2, 10, tzinfo=VIENNA, fold=1)
    assert quiet_until(second, hours("21:00", "02:30"), VIENNA) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(
    now=st.integers(0, 730 * 24 * 60).map(lambda minutes: NOON - timedelta(days=400) + timedelta(minutes=minutes)),
    quiet=st.tuples(st.times(), st.times()),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_quiet_hour_ends_later_and_outside_of_itself(now: datetime, quiet: tuple[time, time], zone: ZoneInfo) -> None:
    span = QuietHours.model_construct(from_time=quiet[0], to_time=quiet[1])
    end = quiet_until(now, span, zone)
    assert end is None or (end > now and quiet_until(end, span, zone) is None)


def test_a_day_of_a_cap_is_the_clients() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    evening = datetime(2026, 5, 5, 14, 30, tzinfo=UTC)
    assert free_at(evening, Cap(per_day=1), [NOON], tokyo) == datetime(2026, 5, 5, 15, tzinfo=UTC)
    assert free_at(evening, Cap(per_day=2), [NOON], tokyo) == evening


def test_a_week_of_a_cap_rolls() -> None:
    taken = [NOON - timedelta(days=8), NOON - timedelta(days=6), NOON - timedelta(days=1)]
    assert free_at(NOON, Cap(per_week=2), taken, UTC_ZONE) == NOON + timedelta(days=1)
    assert free_at(NOON, Cap(per_week=3), taken, UTC_ZONE) == NOON


def test_a_reserved_slot_counts() -> None:
    assert free_at(NOON, Cap(per_day=1), [NOON, NOON + timedelta(days=1)], UTC_ZONE) == datetime(2026, 5, 7, tzinfo=UTC)


@given(
    taken=st.lists(st.integers(-400, 400).map(lambda h: NOON + timedelta(hours=h)), max_size=12),
    per_day=st.one_of(st.none(), st.integers(1, 3)),
    per_week=st.one_of(st.none(), st.integers(1, 3)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_cap_always_leaves_room_some_time(
    taken: list[datetime], per_day: int | None, per_week: int | None, zone: ZoneInfo
) -> None:
    cap = Cap(per_day=per_day, per_week=per_week)
    at = free_at(NOON, cap, taken, zone)
    assert at >= NOON
    assert free_at(at, cap, taken, zone) == at


def test_cap_and_night_are_both_kept() -> None:
    timing = first_time(NOON, taken=[(Cap(per_day=1), [NOON])], quiet=hours("21:00", "08:00"), zone=UTC_ZONE)
    assert (timing.at, timing.reason) == (MORNING, "quiet_hours")
    both = first_time(NIGHT, taken=[(Cap(per_day=1), [MORNING])], quiet=hours("21:00", "08:00"), zone=UTC_ZONE)
    assert both.at == MORNING + timedelta(days=1)


def test_a_cap_and_a_night_that_never_meet_end_the_search() -> None:
    taken = [NOON + timedelta(days=day) for day in range(90)]
    timing = first_time(NOON, taken=[(Cap(per_day=1), taken)], quiet=hours("21:00", "08:00"), zone=UTC_ZONE)
    assert timing.reason == "cap_reached"


def question(tier: str = "streak", now: datetime = NOON, **quiet: str) -> Question:
    rules = policy(tiers={tier: {"channels": ["email"], "expires": "48h", "cap": {"per_week": 1}, **quiet}})
    answer = answer_for(won(tier), rules, Override())
    return Question(answer=answer, client=client(), pauses=(), moment_taken=False, now=now)


@pytest.mark.parametrize(
    ("asked", "channel", "celebrated", "expected"),
    [
        (question(), "email", (), None),
        (question(now=NIGHT), "email", (), Wait(until=MORNING, reason="quiet_hours")),
        (question(now=NIGHT, quiet="send"), "email", (), None),
        (question(now=NIGHT, quiet="downgrade"), "email", (), Wait(until=MORNING, reason="quiet_hours")),
        (question(now=NIGHT, quiet="downgrade"), "in_app", (), None),
        (question(), "email", (NOON,), Objection(outcome="skip", reason="cap_reached")),
        (question("major"), "email", (NOON,), Objection(outcome="skip", reason="cap_reached", by_hand=True)),
    ],
)
def test_release_asks_once_more(
    asked: Question, channel: Any, celebrated: tuple[datetime, ...], expected: object
) -> None:
    assert objection_to_release(asked, channel, of_tier=celebrated) == expected


def test_release_hears_every_objection_of_planning() -> None:
    asked = question(now=NOON + timedelta(days=3))
    found = objection_to_release(asked, "email")
    assert isinstance(found, Objection)
    assert found.reason == "expired"
    restored = replace(question(), recovered="the disk broke")
    assert objection_to_release(restored, "email") == Objection(
        outcome="hold", reason="recovered", detail="the disk broke"
    )


@given(attempt=st.integers(1, 40), seed=st.text(max_size=8))
def test_back_off_grows_is_bounded_and_spread(attempt: int, seed: str) -> None:
    whole = min(2.0**attempt, 900.0)
    assert whole / 2 <= backoff_seconds(attempt, seed) <= whole


def case(attempts: int = 0, deferrals: int = 0) -> Case:
    return Case(delivery_id="d", channel="email", milestone=won(), attempts=attempts, deferrals=deferrals)


@pytest.mark.parametrize(
    ("verdict", "state", "reason", "asks"),
    [
        (on_outcome(case(), "accepted", "250", "q1"), "sent", None, False),
        (on_outcome(case(), "unknown", "no reply"), "unknown", "lost_in_sending", True),
        (on_outcome(case(), "rejected", "550"), "failed", "rejected", True),
        (on_outcome(case(), "retry", "421"), "deferred", "provider_away", False),
        (on_outcome(case(MAX_ATTEMPTS - 1), "retry", "421"), "failed", "provider_away", True),
        (on_outcome(case(), "retry", "500", in_doubt=True), "deferred", "provider_away", False),
        (on_outcome(case(MAX_ATTEMPTS - 1), "retry", "500", in_doubt=True), "unknown", "lost_in_sending", True),
        (on_absence(case(), "no_profile"), "deferred", "no_profile", False),
        (on_budget(case(), "jo"), "held", "approval", False),
        (on_absence(case(deferrals=MAX_DEFERRALS), "no_address"), "failed", "no_address", True),
        (on_fault(case(), "missing_fact", "title"), "failed", "missing_fact", True),
        (on_doubt(case(), on_fault(case(), "no_channel")), "unknown", "lost_in_sending", True),
        (on_doubt(case(), on_budget(case(), "jo")), "held", "approval", False),
        (on_objection(case(), Wait(until=MORNING, reason="quiet_hours")), "pending", "quiet_hours", False),
        (on_objection(case(), Objection(outcome="hold", reason="paused")), "held", "paused", False),
        (
            on_objection(case(), Objection(outcome="skip", reason="opted_out", by_hand=True)),
            "skipped",
            "opted_out",
            True,
        ),
    ],
)
def test_everything_that_can_happen_ends_in_a_state(
    verdict: object, state: str, reason: str | None, asks: bool
) -> None:
    assert (verdict.state, verdict.reason, verdict.task is not None) == (state, reason, asks)


def test_more_than_the_outcome_is_told_where_there_is_a_reason_or_a_question() -> None:
    assert not on_outcome(case(), "accepted", "250").is_told
    assert on_fault(case(), "missing_fact").is_told
    assert on_budget(case(), "jo").is_told


def test_the_zone_of_a_client_who_named_none_is_the_coachs_and_then_the_tenants() -> None:
    told = Coach(id="jo", name="Jo", email="jo@x.example", timezone="Asia/Tokyo")
    silent = Coach(id="al", name="Al", email="al@x.example")
    assert fallback_zone(told, "Europe/Vienna") == "Asia/Tokyo"
    assert fallback_zone(silent, "Europe/Vienna") == "Europe/Vienna"
    assert view_client(None, erased=False, fallback_zone="Asia/Tokyo").zone == ZoneInfo("Asia/Tokyo")
