"""One word says how a source is, whoever asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.intake.source_state import Health, newest_age, overdue, state_of

NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def health(**changes: Any) -> Health:
    plain = {"known_at": NOW - 200 * HOUR, "heard_at": NOW - HOUR, "accepted_at": NOW - HOUR}
    return Health(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "on"),
        ({"known_at": None, "heard_at": None, "accepted_at": None}, "unserved"),
        ({"known_at": NOW - HOUR, "heard_at": None, "accepted_at": None}, "waiting"),
        ({"heard_at": None, "accepted_at": None}, "silent"),
        ({"heard_at": None, "accepted_at": None, "tried_at": NOW - HOUR}, "waiting"),
        ({"heard_at": NOW - 73 * HOUR}, "silent"),
        ({"heard_at": NOW - 73 * HOUR, "tried_at": NOW}, "silent"),
        ({"heard_at": NOW - 72 * HOUR}, "on"),
        ({"failed_at": NOW, "failure": "unsigned"}, "failing"),
        ({"accepted_at": None, "failed_at": NOW, "failure": "unsigned"}, "failing"),
        ({"failed_at": NOW - 2 * HOUR, "failure": "unsigned"}, "on"),
    ],
)
def test_a_source_is_as_the_ledger_tells(changes: dict[str, Any], state: str) -> None:
    assert state_of(health(**changes), silent_after=72 * HOUR, now=NOW) == state


def test_a_missing_secret_says_more_than_the_vendor_and_both_more_than_the_ledger() -> None:
    silent = health(heard_at=NOW - 100 * HOUR)
    told = {"silent_after": 72 * HOUR, "now": NOW}
    assert state_of(silent, **told, is_disabled=True) == "disabled"
    assert state_of(silent, **told, is_disabled=True, is_off=True) == "off"


def test_a_longer_patience_makes_a_quiet_source_well() -> None:
    assert state_of(health(heard_at=NOW - 100 * HOUR), silent_after=240 * HOUR, now=NOW) == "on"


def test_ages_are_never_negative() -> None:
    assert newest_age(health(accepted_at=NOW + HOUR), NOW) == timedelta()
    assert newest_age(health(accepted_at=None), NOW) is None
    assert overdue(health(due_at=NOW + HOUR), NOW) == timedelta()
    assert overdue(health(due_at=NOW - HOUR), NOW) == HOUR
    assert overdue(health(), NOW) == timedelta()
