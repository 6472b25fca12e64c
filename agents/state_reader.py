"""One client's state, read from the changelog without joining the tracker.

The key decides the partition; it is read to the end that it has now, and the last value of the
key counts. Nothing is remembered of other clients.
"""

from typing import Any

from agents.engine.partitioner import partition_for
from agents.stored_state import StoredState, read_stored
from agents.topic_reader import open_reader
from schemas.topics import STATE_CHANGELOG, client_key


async def read_state(options: dict[str, Any], tenant: str, client: str) -> StoredState | None:
    """What the tracker knows about a client as of its last commit; None if it knows nobody.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        tenant: the client's tenant.
        client: the client's id.

    Raises:
        TopicMissingError: the broker has no changelog.
        UnreadableStateError: the state was written by another version, or is damaged.
    """
    key = client_key(tenant, client)
    last: bytes | None = None
    async with open_reader(options) as reader:
        number = partition_for(key, reader.partitions(STATE_CHANGELOG))
        async for record in reader.records(await reader.spans(STATE_CHANGELOG, only=[number])):
            if record.key == key:
                last = record.value
    return None if last is None else read_stored(key, last)
