"""What the engine reports, as Prometheus metrics: counted per batch, sampled at scrape."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from time import time

from agents import metrics
from agents.engine.observer import Observer
from agents.engine.watch import Status

Samples = Iterable[tuple[Sequence[str], float]]


class EngineMetrics(Observer):
    """Counts what a running engine tells."""

    def __init__(self) -> None:
        self.last_progress = 0.0

    def rebalanced(self, partitions: int) -> None:  # noqa: ARG002 - sampled from the status
        """Count an assignment."""
        metrics.REBALANCES.inc()

    def restored(self, partition: int, records: int, seconds: float) -> None:  # noqa: ARG002 - no such label
        """Count a restore."""
        metrics.RESTORE_RECORDS.inc(records)
        metrics.RESTORE_SECONDS.observe(seconds)

    def folded(self, topic: str, records: int, replayed: int, refused: Mapping[str, int], seconds: float) -> None:
        """Count a folded batch; what became of the others is the logic's to say."""
        metrics.BATCH_RECORDS.observe(records)
        metrics.BATCH_SECONDS.labels("fold").observe(seconds)
        metrics.EVENTS_CONSUMED.labels(topic, "replayed").inc(replayed)
        for reason, count in refused.items():
            metrics.EVENTS_CONSUMED.labels(topic, "refused").inc(count)
            metrics.DEAD_LETTERS.labels(reason).inc(count)

    def committed(
        self,
        partition: int,  # noqa: ARG002 - no such label
        records: int,  # noqa: ARG002 - counted when folded
        outputs: Mapping[str, int],  # noqa: ARG002 - the logic knows more of them
        seconds: float,
        oldest_ms: int | None = None,
    ) -> None:
        """Note the round trips of a commit, and how long its oldest record had waited."""
        self.last_progress = time()
        metrics.BATCH_SECONDS.labels("commit").observe(seconds)
        if oldest_ms is not None:
            metrics.EVENT_AGE_SECONDS.observe(max(0.0, self.last_progress - oldest_ms / 1000))

    def swept(self, partition: int, keys: int) -> None:  # noqa: ARG002 - no such label
        """Count states that new rules have reached without an event."""
        metrics.STATES_RENEWED.inc(keys)

    def parked(self, partition: int, keys: int) -> None:  # noqa: ARG002 - no such label
        """Count keys whose deadlines wait for a person."""
        metrics.INVARIANT_VIOLATIONS.labels("key_parked").inc(keys)

    def tripped(self, partition: int) -> None:  # noqa: ARG002 - no such label
        """Count a partition that stopped because its source is broken."""
        metrics.INVARIANT_VIOLATIONS.labels("refusals_tripped").inc()


def sample_engine(status: Callable[[], Status], observer: EngineMetrics) -> None:
    """Register the gauges that are read from a running engine at scrape."""

    def lag() -> Samples:
        return [((p.topic, str(p.partition)), p.lag_records) for p in status().partitions]

    def open_records() -> Samples:
        return [((p.topic, str(p.partition)), p.open_records) for p in status().partitions]

    def paused() -> Samples:
        return [((), sum(p.paused for p in status().partitions))]

    labels = ("topic", "partition")
    metrics.Sampled("cairn_consumer_lag_records", "Records that could be read and were not.", labels, lag)
    metrics.Sampled("cairn_open_records", "Records behind a transaction that is still open.", labels, open_records)
    metrics.Sampled("cairn_partitions_paused", "Source partitions that stopped on too many refusals.", (), paused)
    single: tuple[tuple[str, str, Callable[[], float]], ...] = (
        ("cairn_partitions_assigned", "Partitions that this process has.", lambda: status().assigned),
        ("cairn_state_clients", "Clients with a state in memory.", lambda: status().states),
        ("cairn_state_bytes", "Bytes of those states.", lambda: status().state_bytes),
        ("cairn_last_progress_timestamp_seconds", "When a batch was last committed.", lambda: observer.last_progress),
    )
    for name, meaning, read in single:
        metrics.Sampled(name, meaning, (), partial(_alone, read))


def _alone(read: Callable[[], float]) -> Samples:
    return [((), read())]
