"""What a batch says about milestones, and since when."""

from datetime import UTC, datetime

from agents.heard_milestones import Heard, decode, newest
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone, heard_header
from schemas.topics import client_key
from tests.integration.ledger.ledger_practice import FakeRecord, reached, retracted

_MINUTE_MS = 60_000


def heard(milestone: Milestone, minute: int, *, tracked: int = 100) -> Heard:
    value, _ = encode_milestone(milestone)
    record = FakeRecord(
        offset=minute,
        key=client_key(milestone.tenant, milestone.client),
        value=value,
        timestamp=tracked * _MINUTE_MS,
        headers=(heard_header(minute * _MINUTE_MS),),
    )
    found = decode(record, {"northstar": None})  # type: ignore[dict-item] # it is asked only whether there is one
    assert isinstance(found, Heard)
    return found


def at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, tz=UTC)


def test_a_record_read_twice_was_heard_at_the_same_time() -> None:
    assert heard(reached(), 7) == heard(reached(), 7)
    assert (heard(reached(), 7).heard_at, heard(reached(), 7).tracked_at) == (at(7), at(100))


def test_a_correction_makes_no_milestone_younger() -> None:
    (latest,) = newest([heard(reached(), 7), heard(retracted(reached()), 8), heard(reached(revision=2), 9)])
    assert (latest.milestone.revision, latest.heard_at, latest.first_heard_at) == (2, at(9), at(7))


def test_of_equal_words_the_first_counts() -> None:
    (latest,) = newest([heard(reached(), 7), heard(reached(), 9)])
    assert (latest.heard_at, latest.first_heard_at) == (at(7), at(7))
