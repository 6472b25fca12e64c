"""What is heard is gathered in memory, given away in one piece, and never lost or counted twice."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import REASONS
from agents.intake.tallies import Tallies, Tally
from schemas.codec import REFUSAL_REASONS

NOON = datetime(2026, 5, 8, 12, tzinfo=UTC)
SOURCE = ("acme", "acuity")


def counts(tally: Tally) -> tuple[int, int]:
    accepted, failed = (sum(of_hour[place] for of_hour in tally.hours.values()) for place in (0, 1))
    return accepted, failed


def taken(tallies: Tallies) -> Tally:
    ((key, tally),) = tallies.take()
    assert key == SOURCE
    return tally


def test_what_was_taken_is_not_given_again() -> None:
    tallies = Tallies()
    tallies.accepted(*SOURCE)
    assert counts(taken(tallies)) == (1, 0)
    assert tallies.take() == []


@given(st.lists(st.sampled_from(["accepted", "failed", "take", "lose"]), max_size=40))
def test_whatever_is_taken_and_given_back_each_is_told_once(steps: list[str]) -> None:
    tallies, told = Tallies(), [0, 0]
    for step in steps:
        if step == "accepted":
            tallies.accepted(*SOURCE)
        elif step == "failed":
            tallies.failed(*SOURCE, "unsigned")
        elif step == "lose":
            tallies.give_back(tallies.take())
        else:
            for _, tally in tallies.take():
                told = [before + more for before, more in zip(told, counts(tally), strict=True)]
    for _, tally in tallies.take():
        told = [before + more for before, more in zip(told, counts(tally), strict=True)]
    assert told == [steps.count("accepted"), steps.count("failed")]


def test_what_came_since_counts_more_than_what_is_given_back() -> None:
    tallies = Tallies()
    tallies.failed(*SOURCE, "unsigned")
    lost = tallies.take()
    tallies.failed(*SOURCE, "source_away")
    tallies.give_back(lost)
    tally = taken(tallies)
    assert (tally.failure, counts(tally)) == ("source_away", (0, 2))


def test_an_action_that_we_do_not_translate_is_counted_and_is_no_fault() -> None:
    tallies = Tallies()
    tallies.failed(*SOURCE, "unknown_action")
    tally = taken(tallies)
    assert (tally.failed_at, tally.failure, counts(tally)) == (None, None, (0, 1))


def test_every_reason_of_ours_is_a_code_that_the_ledger_takes() -> None:
    own = {"unsigned", "incomplete", "unavailable", "source_away", "spool_full", "poll_broken"}
    for reason in own | REASONS | set(REFUSAL_REASONS):
        assert re.fullmatch("[a-z][a-z_]{0,39}", reason), reason


def test_a_trial_is_urgent_until_it_is_taken_and_is_no_word_of_the_tools() -> None:
    tallies = Tallies()
    tallies.heard(*SOURCE)
    assert not tallies.is_urgent.is_set()
    tallies.take()
    tallies.tried(*SOURCE, "0" * 32)
    assert tallies.is_urgent.is_set()
    tally = taken(tallies)
    assert (tally.trial_id, tally.heard_at, counts(tally)) == ("0" * 32, None, (0, 0))
    assert not tallies.is_urgent.is_set()


def test_a_database_that_is_away_for_long_fills_no_memory() -> None:
    tally = Tally()
    for hour in range(1_000):
        tally = tally.followed_by(Tally(hours={NOON + timedelta(hours=hour): (1, 0)}))
    assert len(tally.hours) == 192
    assert max(tally.hours) == NOON + timedelta(hours=999)
