"""`cairn log export`: the events topic as JSON Lines, as `cairn replay` and `cairn backtest` read it.

Lines stand in the order of arrival with `receivedat`, the append time as the tracker's clock shows it,
so that a replay decides what the tracker decided. What the tracker refuses is left out and named, never its content.

Nothing is sorted in memory: partitions are merged while they are read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.arrival_order import in_arrival_order
from agents.clock import Clock
from agents.engine.partitioner import partition_for
from agents.event_lines import event_line
from agents.topic_reader import PlacedRecord, TopicReader, open_reader
from schemas.codec import Refused, decode_event
from schemas.text import EVENT_MAX_BYTES
from schemas.topics import EVENTS, client_key
from streams.tracking.instants import to_datetime

_REAL_TIME = Clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events are exported; all by default.

    Attributes:
        tenant: only this tenant's.
        client: only this client's; needs the tenant.
        since_ms: appended then or later, real milliseconds.
        until_ms: appended before then.
    """

    tenant: str | None = None
    client: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def partition_numbers(self, count: int) -> range | tuple[int]:
        """The partitions that can hold such events; one client's events are all in one."""
        if self.tenant is None or self.client is None:
            return range(count)
        return (partition_for(client_key(self.tenant, self.client), count),)

    def holds(self, tenant: str, client: str) -> bool:
        """Whether a client's records are among it."""
        return self.tenant in {None, tenant} and self.client in {None, client}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Where an export goes.

    Attributes:
        write: takes a line with its end.
        refuse: takes where a record stands and why it is left out.
        begin: is told how many offsets there are to read.
        show: is told how many records were read.
    """

    write: Callable[[bytes], object]
    refuse: Callable[[str, Refused], object]
    begin: Callable[[int], object] = lambda _: None
    show: Callable[[int], object] = lambda _: None


async def export_events(
    options: dict[str, Any], selection: Selection, outlet: Outlet, *, clock: Clock = _REAL_TIME
) -> int:
    """Write the events that stand in the topic now; returns how many lines that were.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        selection: which events.
        outlet: where they go.
        clock: the tracker's; a line carries the time that it showed.

    Raises:
        TopicMissingError: the broker has no events topic.
    """
    async with open_reader(options) as reader:
        return await _export(reader, selection, outlet, clock)


async def _export(reader: TopicReader, selection: Selection, outlet: Outlet, clock: Clock) -> int:
    spans = await reader.spans(
        EVENTS,
        only=selection.partition_numbers(reader.partitions(EVENTS)),
        since_ms=selection.since_ms,
        until_ms=selection.until_ms,
    )
    outlet.begin(sum(span.offsets for span in spans.values()))
    written = read = 0
    async for record in in_arrival_order(reader, spans):
        read += 1
        outlet.show(read)
        if not _is_asked_for(record, selection):
            continue
        try:
            outlet.write(_line(record, clock) + b"\n")
            written += 1
        except Refused as refusal:
            outlet.refuse(place_of(record), refusal)
    return written


def place_of(record: PlacedRecord) -> str:
    """Where a record stands, for people."""
    return f"{record.topic}/{record.partition} offset {record.offset}"


def _line(record: PlacedRecord, clock: Clock) -> bytes:
    """The line of a record.

    Raises:
        Refused: the tracker does not take it, or the line would be longer than an event may be.
    """
    event = decode_event(record.headers, record.value)
    if record.key != client_key(event.tenant, event.client):
        raise Refused("wrong_key", "the record's key must be tenantid/subject")
    received_at = to_datetime(clock.domain_ms(record.timestamp))
    line = event_line(event, record.headers, record.value or b"", received_at=received_at)
    if len(line) > EVENT_MAX_BYTES:
        raise Refused("too_large", f"as a line it would have {len(line)} bytes")
    return line


def _is_asked_for(record: PlacedRecord, selection: Selection) -> bool:
    """Whether a record is among it: by its key, which the tracker goes by."""
    tenant, _, client = (record.key or b"").decode(errors="replace").partition("/")
    return selection.holds(tenant, client)
