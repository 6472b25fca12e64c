from dataclasses import replace
from typing import Any

import pytest

from agents.engine import bookmark as bookmarks
from agents.engine.bookmark import Bookmark, Facts, positions
from agents.engine.errors import RecordsLostError, SetupError

BOOKMARK = Bookmark(
    partitions=4, topic_ids={"e": "id-1"}, next_offsets={"e": 50}, rules_versions={"a": 3}, seen=9, refused=(2,)
)
FACTS = Facts(partitions=4, topic_ids={"e": "id-1"}, committed={"e": 50}, starts={"e": 0}, ends={"e": 60})


def test_a_bookmark_survives_its_encoding() -> None:
    assert bookmarks.decode(BOOKMARK.encode()) == BOOKMARK


def test_reading_goes_on_at_the_committed_offset() -> None:
    assert positions(0, BOOKMARK, 7, FACTS) == {"e": 50}


def test_a_rewound_group_is_read_again_from_there() -> None:
    assert positions(0, BOOKMARK, 7, replace(FACTS, committed={"e": 10})) == {"e": 10}


def test_a_new_partition_begins_at_the_start_of_the_log() -> None:
    assert positions(0, None, 0, replace(FACTS, committed={}, starts={"e": 5})) == {"e": 5}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"partitions": 8}, "8 partitions"),
        ({"topic_ids": {"e": "id-2"}}, "recreated"),
        ({"ends": {"e": 49}}, "truncated"),
        ({"committed": {}}, "reset the offset"),
    ],
)
def test_state_that_contradicts_the_cluster_is_refused_with_advice(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(SetupError, match=words):
        positions(0, BOOKMARK, 7, replace(FACTS, **facts))


def test_records_deleted_before_they_were_read_are_never_skipped_silently() -> None:
    with pytest.raises(RecordsLostError, match="retention"):
        positions(0, BOOKMARK, 7, replace(FACTS, starts={"e": 55}))


def test_states_without_a_bookmark_and_offsets_without_states_are_refused() -> None:
    with pytest.raises(SetupError, match="no bookmark"):
        positions(0, None, 7, FACTS)
    with pytest.raises(SetupError, match="changelog is empty"):
        positions(0, None, 0, FACTS)


def test_bytes_that_are_no_bookmark_are_refused() -> None:
    with pytest.raises(SetupError, match="reserved record"):
        bookmarks.decode(b"{")
