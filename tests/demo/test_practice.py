from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from demo.count import TIERS, count
from demo.count_given import count_given
from demo.practice import FIRST_AT, Practice, build_practice
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep


@pytest.fixture(scope="module")
def practice() -> Practice:
    return build_practice()


def test_same_arguments_give_the_same_practice(practice: Practice) -> None:
    assert build_practice() == practice


def test_another_seed_gives_other_people(practice: Practice) -> None:
    assert build_practice(seed=1).people != practice.people


def test_the_full_play_holds_312_wins_and_some_nudges(practice: Practice) -> None:
    tiers = Counter(TIERS[win.rule] for win in count(practice.steps, practice.until).wins)
    assert tiers["nudge"] == 40
    assert tiers.total() - tiers["nudge"] == 312


def test_steps_stand_in_time_order_within_the_play(practice: Practice) -> None:
    times = [step.at for step in practice.steps]
    assert times == sorted(times)
    assert times[0] >= FIRST_AT
    assert times[-1] < FIRST_AT + timedelta(days=90)


def test_every_instant_is_aware(practice: Practice) -> None:
    assert all(step.at.utcoffset() == timedelta(0) for step in practice.steps)


def test_addresses_are_invented_and_one_per_client(practice: Practice) -> None:
    addresses = {person.email for person in practice.people}
    assert len(addresses) == 120
    assert all(address.endswith("@example.org") and address == address.lower() for address in addresses)


def test_both_tools_know_a_client_by_addresses_that_differ_in_case_alone(practice: Practice) -> None:
    assert all(person.email_in_acuity.lower() == person.email for person in practice.people)
    assert any(person.email_in_acuity != person.email for person in practice.people)


def test_all_three_ways_in_are_used_and_some_hooks_come_twice(practice: Practice) -> None:
    kinds = Counter(type(step) for step in practice.steps)
    assert min(kinds[AppointmentStep], kinds[MessageStep], kinds[CheckStep]) > 500
    assert any(step.copies > 1 for step in practice.steps if not isinstance(step, CheckStep))


def test_some_clients_agree_to_marketing_some_take_it_back_and_some_were_never_asked(practice: Practice) -> None:
    said: dict[str, list[bool]] = {person.email: [] for person in practice.people}
    for step in practice.steps:
        if isinstance(step, MessageStep) and step.body["type"] == "client.updated":
            client = step.body["data"]["client"]
            said[client["email"]].append(client["consents"]["marketing"]["granted"])
    kinds = Counter(tuple(words) for words in said.values())
    assert set(kinds) == {(), (True,), (True, False)}
    assert kinds[True,] > kinds[()] > kinds[True, False]


def test_session_36_comes_with_and_without_a_gift_and_leaves_nothing_to_the_coach(practice: Practice) -> None:
    given = count_given(practice.steps, count(practice.steps, practice.until))
    parts = given.by_part()
    assert (parts["certificate"], parts["gift"], parts["referral"]) == (14, 8, 8)
    assert (given.cents, given.waiting) == (20_000, {})


def test_small_messages_of_a_client_fall_on_different_days(practice: Practice) -> None:
    wins = [win for win in count(practice.steps, practice.until).wins if TIERS[win.rule] == "micro"]
    days: dict[str, list[datetime]] = {}
    for win in wins:
        days.setdefault(win.client, []).append(datetime.combine(win.on, datetime.min.time(), UTC))
    assert all(abs(a - b) >= timedelta(days=2) for pair in days.values() for a, b in pairwise(pair))


def test_nudges_of_a_client_are_more_than_a_week_apart(practice: Practice) -> None:
    wins = [win for win in count(practice.steps, practice.until).wins if TIERS[win.rule] == "nudge"]
    apart = [b.on - a.on for a, b in pairwise(wins) if a.client == b.client]
    assert apart
    assert min(apart) > timedelta(days=8)


@pytest.mark.parametrize(("clients", "days"), [(1, 20), (24, 35), (7, 90)])
def test_smaller_practices_can_be_built(clients: int, days: int) -> None:
    small = build_practice(clients=clients, days=days)
    assert len(small.people) == clients
    assert small.steps


@pytest.mark.parametrize(
    ("clients", "days", "wished"),
    [(120, 90, {QuietStep, LeaveStep}), (16, 90, {QuietStep, LeaveStep}), (24, 40, {QuietStep})],
)
def test_a_wish_for_quiet_or_to_leave_has_no_win_near(clients: int, days: int, wished: set[type]) -> None:
    practice = build_practice(clients=clients, days=days)
    wishes = [step for step in practice.steps if isinstance(step, QuietStep | LeaveStep)]
    assert {type(wish) for wish in wishes} == wished
    for wish in wishes:
        wins = [win for win in count(practice.steps, practice.until).wins if win.client == wish.email]
        assert {win.on < wish.at.date() for win in wins} == {True, False}
        assert min(abs(win.on - wish.at.date()) for win in wins) > timedelta(days=5)
