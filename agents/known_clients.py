"""Who a tenant's clients are, by Kafka alone: profiles, states, and events that are still unread.

The clients topic has the key of everybody with a profile, the state changelog that of everybody
of whom the tracker ever applied an event. Events behind the tracker's own position, as after an
outage, are read as well: from where each partition's bookmark says that its states end. An
erased client is nobody's any more.
"""

from typing import Any

from agents.engine import bookmark
from agents.stored_state import read_stored
from agents.topic_reader import PlacedRecord, Span, TopicReader, open_reader
from schemas.topics import CLIENTS, EVENTS, STATE_CHANGELOG, split_key
from streams.tracking.state import UnreadableStateError


async def known_clients(options: dict[str, Any], tenant: str) -> list[str]:
    """The clients of a tenant, in order.

    Raises:
        TopicMissingError: the broker lacks one of the three topics.
    """
    found: set[str] = set()
    async with open_reader(options) as reader:
        for number in range(reader.partitions(STATE_CHANGELOG)):
            found |= await _of_partition(reader, number, tenant)
    return sorted(found)


async def _of_partition(reader: TopicReader, number: int, tenant: str) -> set[str]:
    """The clients whose key belongs to a partition; the topics share the count."""
    found: set[str] = set()
    erased: set[str] = set()
    unread_from = 0
    async for record in reader.records(await reader.spans(STATE_CHANGELOG, only=[number])):
        if record.key == bookmark.KEY and record.value:
            unread_from = bookmark.decode(record.value).next_offsets.get(EVENTS, 0)
        elif client := _client(record, tenant):
            _note(client, found, erased, lives=_lives(record))
    async for record in reader.records(await reader.spans(CLIENTS, only=[number])):
        if client := _client(record, tenant):
            _note(client, found, erased, lives=record.value is not None)
    spans = await reader.spans(EVENTS, only=[number])
    behind = {p: Span(begin=max(span.begin, unread_from), end=span.end) for p, span in spans.items()}
    async for record in reader.records(behind):
        if (client := _client(record, tenant)) and client not in erased:
            found.add(client)
    return found


def _note(client: str, found: set[str], erased: set[str], *, lives: bool) -> None:
    """Note whether a client lives; the newest record says it."""
    (found if lives else erased).add(client)
    (erased if lives else found).discard(client)


def _client(record: PlacedRecord, tenant: str) -> str | None:
    """Whom of the tenant a record is about."""
    try:
        of, client = split_key(record.key or b"")
    except ValueError:
        return None
    return client if of == tenant else None


def _lives(record: PlacedRecord) -> bool:
    """Whether a state is more than the stub of an erased client; one that cannot be read is taken for a client's."""
    if not record.key or not record.value:
        return False
    try:
        return read_stored(record.key, record.value).state.erased_ms is None
    except UnreadableStateError:
        return True
