"""The link follower: what happened under a linked id is sent again for the person, once, and what comes later too.

It must never celebrate the past: what was appended before the link is silent. It must never lose its place: how far
it is stands in the ledger, and moves when Kafka has acknowledged a chunk; what a crash lets happen twice is one chunk,
whose ids the tracker still knows.

Theory of operation: a link is held by one process at a time, under a lease that each chunk renews. All links of a
partition are read in one pass, from where the least advanced of them is to the end that the partition has now. One
loop does this for all links, so a platform that still publishes under the linked id is heard of a few seconds later.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from agents.cluster_facts import TopicMissingError
from agents.engine.partitioner import partition_for
from agents.intake.spool import SpoolFull
from agents.ledger.away import AWAY
from agents.ledger.clients import ClientKey
from agents.ledger.links import ClaimedLink, claim_links, half_erased, let_go, move_on
from agents.ledger.pool import Pool
from agents.link_records import moved
from agents.publishing import KeyedEvent, Publisher, open_publisher
from agents.topic_reader import PlacedRecord, Span, TopicReader, open_reader
from schemas.codec import Refused
from schemas.topics import EVENTS, client_key

RATE: Final = 1_000
"""Events a second: a fraction of what one tracker takes, so that live events do not wait."""

INTERVAL_SECONDS: Final = 5.0
_LEASE: Final = timedelta(seconds=120)
_RENEW_EVERY: Final = 20_000

_log = structlog.get_logger()
Show = Callable[[int, int], object]
"""Is told how many offsets were read, and how many events sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What a pass did.

    Attributes:
        links: how many it followed.
        resent: events sent again.
        refused: events left out, because the tracker refuses them too.
    """

    links: int = 0
    resent: int = 0
    refused: int = 0


async def catch_up(
    options: dict[str, Any],
    pool: Pool,
    *,
    person: ClientKey | None = None,
    begin: Callable[[int], object] = lambda _: None,
    show: Show = lambda _read, _resent: None,
) -> Caught:
    """Send again what stands in the topic now, of every link that nobody else follows, or of one person's.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        pool: the ledger.
        person: only the links that lead to them.
        begin: is told how many offsets there are to read.
        show: is told how far it is.

    Raises:
        TopicMissingError: the broker has no events topic.
        KafkaError: Kafka went away; the ledger says how far it was.
    """
    claimed = await claim_links(pool, lease=_LEASE, person=person)
    if not claimed:
        return Caught()
    is_read = False
    try:
        async with open_reader(options) as reader, open_publisher(options, rate=RATE) as publisher:
            working = _Pass(pool, publisher, show)
            await _read(reader, claimed, working, begin)
        is_read = True
    finally:
        for link in claimed:
            await let_go(pool, link, is_read=is_read)
    return Caught(links=len(claimed), resent=working.resent, refused=working.refused)


async def _read(
    reader: TopicReader, claimed: Sequence[ClaimedLink], working: "_Pass", begin: Callable[[int], object]
) -> None:
    """Read the partitions of these links, one after the other."""
    count = reader.partitions(EVENTS)
    parts: defaultdict[int, list[ClaimedLink]] = defaultdict(list)
    for link in claimed:
        parts[partition_for(client_key(link.tenant, link.client), count)].append(link)
    spans = await _unread(reader, parts)
    begin(sum(span.offsets for span in spans.values()))
    for partition, span in spans.items():
        await working.follow(reader, partition, span, parts[partition.partition])


async def _unread(reader: TopicReader, parts: dict[int, list[ClaimedLink]]) -> dict[TopicPartition, Span]:
    whole = await reader.spans(EVENTS, only=sorted(parts))
    return {
        partition: Span(
            begin=max(span.begin, min(link.next_offset for link in parts[partition.partition])), end=span.end
        )
        for partition, span in whole.items()
    }


class _Pass:
    """What one pass over the topic has in hand: a chunk at a time."""

    def __init__(self, pool: Pool, publisher: Publisher, show: Show) -> None:
        self.read = self.resent = self.refused = 0
        self._pool = pool
        self._publisher = publisher
        self._show = show
        self._links: dict[bytes, ClaimedLink] = {}
        self._events: list[KeyedEvent] = []
        self._counts: Counter[bytes] = Counter()
        self._records = 0

    async def follow(
        self, reader: TopicReader, partition: TopicPartition, span: Span, links: Sequence[ClaimedLink]
    ) -> None:
        """Read one partition for its links."""
        self._links = {client_key(link.tenant, link.client): link for link in links}
        async for record in reader.records({partition: span}):
            self.read += 1
            self._records += 1
            self._take(record)
            if len(self._events) >= self._publisher.chunk_records or self._records >= _RENEW_EVERY:
                await self._send(record.offset + 1)
            self._show(self.read, self.resent)
        await self._send(span.end)

    def _take(self, record: PlacedRecord) -> None:
        key = record.key or b""
        link = self._links.get(key)
        if link is None or record.offset < link.next_offset:
            return
        try:
            self._events.append(moved(record, link))
        except Refused:
            self.refused += 1
        else:
            self._counts[key] += 1

    async def _send(self, next_offset: int) -> None:
        """Publish the chunk, then say in the ledger how far it is; a link that is not ours any more is left alone."""
        if self._events:
            await self._publisher.publish(self._events)
            self.resent += len(self._events)
        for key, link in list(self._links.items()):
            to = max(next_offset, link.next_offset)
            if to == link.next_offset and not self._counts[key]:
                continue
            if not await move_on(self._pool, link, next_offset=to, resent=self._counts[key], lease=_LEASE):
                del self._links[key]
        self._events.clear()
        self._counts.clear()
        self._records = 0


class LinkFollower:
    """Follows every link, and lets an erasure reach every id of a person.

    Args:
        options: how to reach Kafka.
        pool: the ledger.
        erase: forgets a client of a tenant everywhere, under every id.
        interval_seconds: real time between looks.
    """

    def __init__(
        self,
        options: dict[str, Any],
        pool: Pool,
        erase: Callable[[str, str], Awaitable[None]],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._options = options
        self._pool = pool
        self._erase = erase
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Look until cancelled; a database or broker that is away is waited for."""
        while True:
            try:
                await self.look()
            except (*AWAY, KafkaError, TopicMissingError, SpoolFull) as error:
                _log.warning("links.waited", error_type=type(error).__name__)
            await asyncio.sleep(self._interval_seconds)

    async def look(self) -> Caught:
        """Erase what an erasure has not reached yet, then follow what is left."""
        for tenant, client in await half_erased(self._pool):
            await self._erase(tenant, client)
        caught = await catch_up(self._options, self._pool)
        if caught.resent:
            _log.info("links.followed", records=caught.resent, failed=caught.refused)
        return caught
