"""The engine's settings: plain values, decided by whoever builds an application.

Must never read the environment, and holds no default for an address or a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """One application: a consumer group and, when it keeps state, the ids of its producers.

    Args:
        app_id: The consumer group, and the stem of the transactional ids `{app_id}-{partition}`.
        bootstrap_servers: `host:port`, comma separated.
        source_topics: In fold order: within a fetch, and at assignment up to its end, an earlier topic goes first.
        partitions: The partition count of every source topic and of the changelog, fixed for life.
        changelog_topic: Where states go; None for an application that keeps its positions elsewhere.
        dead_letter_topic: Where refused records go; None for an application without state.
        private_topics: Sources whose refused records leave no copy of their content among the dead letters.
        output_topics: Every topic that the logic may write to.
        security: Keyword arguments of aiokafka's clients: protocol, SSL context, SASL.
        session_timeout_ms: After this silence the group gives our partitions to others.
        heartbeat_interval_ms: A third of the session timeout or less.
        rebalance_timeout_ms: How long a member may take to join again; a revoke drains for at most half of it.
        request_timeout_ms: One request to the broker.
        transaction_timeout_ms: The broker aborts a transaction that is open for longer.
        commit_timeout_ms: Bound of all the round trips of one transaction.
        fence_timeout_ms: Bound of starting one producer, which waits for a dead owner's transaction to be aborted.
        restore_timeout_ms: How long a restore may go without a single record.
        fetch_wait_ms: How long the broker may hold a fetch without data.
        fetch_bytes: How much of a partition one fetch may return.
        max_batch_records: At most this many records a batch, which is one transaction.
        max_queued_batches: How many fetched batches a partition may have waiting.
        write_batch_bytes: The size of a record batch we write; below the topics' `max.message.bytes`.
        breaker_window: How many records back refusals are counted.
        breaker_limit: More refusals than this among them pause the partition.
        tick_limit: How many due keys one transaction may hold.
        idle_check_ms: How often idle partitions are looked at: due keys, lost batches, dead threads.
        retry_limit: How often in ten minutes partitions may be taken again after a failure of the broker.
        stop_timeout_ms: How long an orderly stop may take before the process is ended.
    """

    app_id: str
    bootstrap_servers: str
    source_topics: tuple[str, ...]
    partitions: int
    changelog_topic: str | None = None
    dead_letter_topic: str | None = None
    private_topics: frozenset[str] = frozenset()
    output_topics: tuple[str, ...] = ()
    security: Mapping[str, Any] = field(default_factory=dict)
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = 20_000
    request_timeout_ms: int = 20_000
    transaction_timeout_ms: int = 15_000
    commit_timeout_ms: int = 30_000
    fence_timeout_ms: int = 30_000
    restore_timeout_ms: int = 60_000
    fetch_wait_ms: int = 100
    fetch_bytes: int = 2_621_440
    max_batch_records: int = 10_000
    max_queued_batches: int = 2
    write_batch_bytes: int = 900_000
    breaker_window: int = 1_000
    breaker_limit: int = 100
    tick_limit: int = 500
    idle_check_ms: int = 1_000
    retry_limit: int = 5
    stop_timeout_ms: int = 20_000

    @property
    def client(self) -> dict[str, Any]:
        """The arguments common to every aiokafka client."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "request_timeout_ms": self.request_timeout_ms,
            **self.security,
        }
