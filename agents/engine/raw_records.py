"""Fetched records as aiokafka's C reader yields them, without the Python object that it would build from each.

Must never be asked for more than key, value, offset, timestamp and headers: the C record has no topic.
"""

from typing import Any

from aiokafka.consumer.fetcher import FetchResult


def leave_raw(fetched: Any) -> None:
    """Let what was fetched from a partition be handed out raw; what is no result of a fetch stays as it is."""
    if type(fetched) is FetchResult and fetched._partition_records is not None:  # noqa: SLF001 - pinned
        fetched._partition_records._consumer_record = _as_it_is  # noqa: SLF001 - pinned


def _as_it_is(_partition: Any, record: Any) -> Any:
    return record
