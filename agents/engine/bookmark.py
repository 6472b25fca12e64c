"""The reserved changelog record of a partition: what its state rests on, and whether that still holds.

Must never be trusted halfway: state that contradicts the cluster is refused at start with a text for the operator,
because reading on would count twice or lose records silently.

Theory of operation: every transaction writes the bookmark beside the states it changes, so both are always of the same
moment. Topic ids tell a recreated topic or another cluster from the one that was read; next offsets tell where reading
stopped even when the group's committed offsets were moved by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from agents.engine.breaker import Breaker
from agents.engine.errors import RecordsLostError, SetupError

RESERVED_PREFIX = b"\x00"
KEY = RESERVED_PREFIX + b"cairn.bookmark"
UNKNOWN_ID = ""


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a partition's state rests on.

    Args:
        partitions: The partition count of every topic of the application, fixed for life.
        topic_ids: Kafka's own id of each source topic, so that a recreated topic is noticed.
        next_offsets: The first offset of each source topic that the state does not contain.
        rules_versions: The highest version used of each named part of the rules; 1, the lowest, is left out.
        seen: The breaker's count of records.
        refused: The breaker's ordinals of refused records.
    """

    partitions: int
    topic_ids: dict[str, str] = {}
    next_offsets: dict[str, int] = {}
    rules_versions: dict[str, int] = {}
    seen: int = 0
    refused: tuple[int, ...] = ()

    def breaker(self, window: int, limit: int) -> Breaker:
        """Return the breaker as it stood when this was written."""
        return Breaker(window=window, limit=limit, seen=self.seen, refused=self.refused)

    def encode(self) -> bytes:
        """Return the record's value."""
        return msgspec.json.encode(self)


def decode(value: bytes) -> Bookmark:
    """Read a bookmark.

    Raises:
        SetupError: The changelog holds something else under the reserved key.
    """
    try:
        return msgspec.json.decode(value, type=Bookmark)
    except msgspec.DecodeError as error:
        raise SetupError(f"the changelog's reserved record is not a bookmark of this engine: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the cluster says about one partition number, per source topic.

    Args:
        partitions: How many partitions the topics have.
        topic_ids: Kafka's ids; `UNKNOWN_ID` when the broker does not tell.
        committed: The group's committed offsets; a topic without one is absent.
        starts: The first offsets still kept.
        ends: The offsets after the last ones.
    """

    partitions: int
    topic_ids: Mapping[str, str]
    committed: Mapping[str, int]
    starts: Mapping[str, int]
    ends: Mapping[str, int]


def positions(partition: int, bookmark: Bookmark | None, states: int, facts: Facts) -> dict[str, int]:
    """Return where to read each source topic from.

    Raises:
        SetupError: State and cluster contradict each other.
        RecordsLostError: Retention deleted records that were never read.
    """
    if bookmark is None:
        _refuse_orphans(partition, states, facts)
        return dict(facts.starts)
    if bookmark.partitions != facts.partitions:
        raise SetupError(
            f"the topics have {facts.partitions} partitions, but the state was built with {bookmark.partitions}; "
            "keys would move between partitions: restore the old count, or start anew with new topics"
        )
    return {topic: _position(topic, partition, bookmark, facts) for topic in facts.starts}


def _refuse_orphans(partition: int, states: int, facts: Facts) -> None:
    if states:
        raise SetupError(
            f"partition {partition} has {states} states but no bookmark: the changelog is not ours, or damaged"
        )
    if facts.committed:
        raise SetupError(
            f"partition {partition} has committed offsets {dict(facts.committed)} but its changelog is empty: counting "
            "would begin again in the middle; restore the changelog, or delete the group's offsets to begin anew"
        )


def _position(topic: str, partition: int, bookmark: Bookmark, facts: Facts) -> int:
    known, present = bookmark.topic_ids.get(topic, UNKNOWN_ID), facts.topic_ids[topic]
    if known and present and known != present:
        raise SetupError(
            f"topic {topic} was recreated, or this is another cluster (id {present}, state was built from {known}): "
            "its offsets mean something else now; start anew with a new changelog and group, or restore the topic"
        )
    start, end = facts.starts[topic], facts.ends[topic]
    following = bookmark.next_offsets.get(topic)
    if following is None:
        return facts.committed.get(topic, start)
    if end < following:
        raise SetupError(
            f"{topic}/{partition} ends at {end}, but records up to {following} were applied: "
            "the topic was recreated or truncated"
        )
    committed = facts.committed.get(topic)
    if committed is None:
        raise SetupError(
            f"{topic}/{partition} has no committed offset, but records up to {following} were applied: the group's "
            f"offsets expired or were deleted; reset the offset of this partition to {following}"
        )
    if max(committed, following) < start:
        raise RecordsLostError(
            f"{topic}/{partition} begins at {start}, but was read up to {following} only: retention deleted unread "
            f"records; lengthen retention, and reset the offset of this partition to {start} to go on without them"
        )
    return max(committed, start)
