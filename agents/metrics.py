"""The one catalogue of metrics: every name, its meaning and its labels.

Prefix `cairn_`, base units. No client, address, event id or tenant is ever a label. Label
sets that are known are created at import, so that zero is visible. Values that can be
sampled are sampled at scrape; per event nothing is counted, only per batch.
"""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from schemas.codec import REFUSAL_REASONS
from schemas.topics import CLIENTS, EVENTS
from streams.planning.answer import SENDABLE

LATENCY_BUCKETS_SECONDS = (
    0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400, 43_200, 86_400, 172_800,
)  # fmt: skip
_BATCH_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_BATCH_BUCKETS_RECORDS = (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000)
RULES_REJECTED_REASONS = ("invalid", "version", "gone")
_TIERS = ("micro", "streak", "program", "major", "nudge")

EVENTS_CONSUMED = Counter("cairn_events_consumed", "Records folded, by what became of them.", ("topic", "outcome"))
EVENT_AGE_SECONDS = Histogram(
    "cairn_event_age_seconds", "From the oldest append time in a batch to its commit.",
    buckets=LATENCY_BUCKETS_SECONDS,
)  # fmt: skip
BATCH_SECONDS = Histogram(
    "cairn_batch_seconds", "Time to fold and to commit a batch.", ("stage",), buckets=_BATCH_BUCKETS_SECONDS
)
BATCH_RECORDS = Histogram("cairn_batch_records", "Records in a batch.", buckets=_BATCH_BUCKETS_RECORDS)
MILESTONES = Counter("cairn_milestones", "Milestones committed.", ("tier", "kind"))
EVENT_TO_MILESTONE_SECONDS = Histogram(
    "cairn_event_to_milestone_seconds", "From an event's append to its milestone's append.",
    buckets=LATENCY_BUCKETS_SECONDS,
)  # fmt: skip
EVENT_TO_CELEBRATION_SECONDS = Histogram(
    "cairn_event_to_celebration_seconds", "From an event's append to its celebration being sent.",
    ("channel",), buckets=LATENCY_BUCKETS_SECONDS,
)  # fmt: skip
DECISIONS = Counter("cairn_decisions", "What was decided for a part of a celebration.", ("tier", "outcome"))
DELIVERIES = Counter("cairn_deliveries", "Deliveries that reached a state.", ("channel", "outcome"))
CHANGES_PUBLISHED = Counter("cairn_changes_published", "Changes of celebrations and deliveries that Kafka has.")
DELIVERY_ATTEMPT_SECONDS = Histogram(
    "cairn_delivery_attempt_seconds", "One attempt to send.", ("channel",), buckets=LATENCY_BUCKETS_SECONDS
)
SPEND_CENTS = Counter("cairn_spend_cents", "Cents of gifts that were spent, and that came back.", ("state",))
REBALANCES = Counter("cairn_rebalances", "Assignments of partitions that this process went through.")
RESTORE_RECORDS = Counter("cairn_restore_records", "Changelog records read to restore state.")
RESTORE_SECONDS = Histogram("cairn_restore_seconds", "Time to restore one partition.", buckets=LATENCY_BUCKETS_SECONDS)
STATES_RENEWED = Counter("cairn_states_renewed", "States brought up to new rules without an event of their own.")
DEAD_LETTERS = Counter("cairn_dead_letters", "Records refused, by reason.", ("reason",))
INVARIANT_VIOLATIONS = Counter("cairn_invariant_violations", "Must stay 0.", ("invariant",))
HOOKS_RECEIVED = Counter("cairn_hooks_received", "Hooks answered, by outcome.", ("source", "outcome"))
SIGNATURE_FAILURES = Counter("cairn_signature_failures", "Hooks whose signature failed.", ("source",))
SPOOL_BYTES = Gauge("cairn_spool_bytes", "Size of the spool: 0 while Kafka takes everything.")
PROVIDER_EVENTS = Counter(
    "cairn_provider_events", "What providers told of messages, and what became of it.", ("provider", "kind", "outcome")
)
SOURCES = Gauge("cairn_sources", "Sources by how they are: on and waiting are well.", ("source", "state"))
SOURCE_HEARD_TIMESTAMP_SECONDS = Gauge(
    "cairn_source_heard_timestamp_seconds",
    "When the source of this kind that is silent the longest was heard.",
    ("source",),
)
UNSUBSCRIBES = Counter("cairn_unsubscribes", "Clients that opted out of a channel.")
SURGES = Counter("cairn_surges", "Tenants paused because they sent far more than usual.")
REFERRAL_CLICKS = Counter("cairn_referral_clicks", "Referral addresses opened by a person.")
ERASURES = Counter("cairn_erasures", "Clients erased.")
APPROVALS = Counter("cairn_approvals", "Approvals that a coach decided, or that closed.", ("outcome",))
COACH_MAILS = Counter("cairn_coach_mails", "Mails to coaches that reached a state.", ("kind", "outcome"))
BUILD_INFO = Gauge("cairn_build_info", "Always 1; the version is the label.", ("version",))
RULES_LOADED_TIMESTAMP_SECONDS = Gauge(
    "cairn_rules_loaded_timestamp_seconds", "When the rulebooks were loaded.", ("digest",)
)
RULES_REJECTED = Gauge(
    "cairn_rules_rejected", "Tenants whose files are refused or gone; their last good ones stay in force.", ("reason",)
)

for _topic in (EVENTS, CLIENTS):
    for _outcome in ("applied", "duplicate", "replayed", "late", "refused", "unused"):
        EVENTS_CONSUMED.labels(_topic, _outcome)
for _stage in ("fold", "commit"):
    BATCH_SECONDS.labels(_stage)
for _tier in _TIERS:
    MILESTONES.labels(_tier, "reached")
    MILESTONES.labels(_tier, "retracted")
for _channel in sorted(SENDABLE):
    EVENT_TO_CELEBRATION_SECONDS.labels(_channel)
    DELIVERY_ATTEMPT_SECONDS.labels(_channel)
for _state in ("spent", "returned"):
    SPEND_CENTS.labels(_state)
for _state in ("approved", "declined", "taken_over", "closed"):
    APPROVALS.labels(_state)
for _kind in ("approval", "escalation", "tasks"):
    COACH_MAILS.labels(_kind, "sent")
for _reason in REFUSAL_REASONS:
    DEAD_LETTERS.labels(_reason)
for _invariant in ("key_parked", "refusals_tripped"):
    INVARIANT_VIOLATIONS.labels(_invariant)
for _reason in RULES_REJECTED_REASONS:
    RULES_REJECTED.labels(_reason)


class Sampled(Collector):
    """A gauge whose value is read at scrape.

    Args:
        name: the metric's name with its unit last.
        meaning: what it tells.
        labels: the names of its labels.
        read: gives the samples, as label values and a number; must not block.
    """

    def __init__(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str],
        read: Callable[[], Iterable[tuple[Sequence[str], float]]],
    ) -> None:
        self._name, self._meaning, self._labels, self._read = name, meaning, labels, read
        REGISTRY.register(self)

    def describe(self) -> Iterable[Metric]:
        """Name the metric without reading it."""
        return [GaugeMetricFamily(self._name, self._meaning, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        """Read the samples."""
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, value in self._read():
            family.add_metric(list(labels), value)
        return [family]
