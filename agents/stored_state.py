"""A client's state as the changelog holds it: the engine's head, then the tracking core's bytes."""

import struct
from dataclasses import dataclass

from agents.engine.header import NEVER, Header
from schemas.topics import CLIENTS, EVENTS
from streams.tracking.state import State, UnreadableStateError, decode_state

SOURCE_TOPICS = (CLIENTS, EVENTS)
"""The topics that the tracker folds, in the order of the head's offsets."""

_HEADER = Header(len(SOURCE_TOPICS))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """A state with what the engine keeps beside it.

    Attributes:
        deadline_ms: when time alone does something to it; None for never.
        applied: the offset of the last record that it contains, by source topic; -1 for none.
        size_bytes: the size of the changelog's value.
    """

    state: State
    deadline_ms: int | None
    applied: dict[str, int]
    size_bytes: int


def read_stored(key: bytes, value: bytes) -> StoredState:
    """The state that a key's value in the changelog holds.

    Raises:
        UnreadableStateError: it was written by another version, or is damaged.
    """
    try:
        deadline_ms, applied, body = _HEADER.unpack(value)
    except (ValueError, struct.error) as error:
        raise UnreadableStateError(str(error)) from None
    return StoredState(
        state=decode_state(body, key.decode()),
        deadline_ms=None if deadline_ms == NEVER else deadline_ms,
        applied=dict(zip(SOURCE_TOPICS, applied, strict=True)),
        size_bytes=len(value),
    )
