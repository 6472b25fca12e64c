"""The profiles beside an exported log: what the tracker reads of them, and nothing else.

It must never write a name, an address or a number: a line holds tenant, client and the tracked
fields of `schemas.client`. Each client's newest profile is written; an erased client has none.

Partitions are read one after the other, so that memory holds the profiles of one.
"""

from typing import Any

import msgspec

from agents.log_export import Outlet, Selection, place_of
from agents.topic_reader import PlacedRecord, TopicReader, open_reader
from schemas.client import TRACKED_FIELDS
from schemas.codec import Refused, decode_profile
from schemas.topics import CLIENTS, split_key


async def export_profiles(options: dict[str, Any], selection: Selection, outlet: Outlet) -> int:
    """Write the newest profile of each client; returns how many lines that were.

    Times of the selection do not count: a profile is as it is now.

    Raises:
        TopicMissingError: the broker has no clients topic.
    """
    written = 0
    async with open_reader(options) as reader:
        for number in selection.partition_numbers(reader.partitions(CLIENTS)):
            lines = await _newest(reader, number, selection, outlet)
            for line in lines.values():
                outlet.write(line)
            written += len(lines)
    return written


async def _newest(reader: TopicReader, number: int, selection: Selection, outlet: Outlet) -> dict[bytes, bytes]:
    """The line of each client of a partition, by key; a profile that is refused changes nothing, as in the tracker."""
    lines: dict[bytes, bytes] = {}
    async for record in reader.records(await reader.spans(CLIENTS, only=[number])):
        try:
            line = _line(record, selection)
        except Refused as refusal:
            outlet.refuse(place_of(record), refusal)
            continue
        key = record.key or b""
        lines.pop(key, None)
        if line is not None:
            lines[key] = line
    return lines


def _line(record: PlacedRecord, selection: Selection) -> bytes | None:
    """The line of a profile; None for a tombstone and for a client who is not asked for."""
    try:
        tenant, client = split_key(record.key or b"")
    except ValueError:
        raise Refused("wrong_key", "the record's key must be tenant/client in UTF-8") from None
    if record.value is None or not selection.holds(tenant, client):
        return None
    tracked = decode_profile(record.value).model_dump(mode="json", include=set(TRACKED_FIELDS), exclude_defaults=True)
    return msgspec.json.encode({"tenant": tenant, "client": client, **tracked}) + b"\n"
