"""Delivery's gauges: asked of the ledger now and then, read at scrape without touching it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog

from agents import metrics
from agents.ledger.approvals import approval_figures
from agents.ledger.away import AWAY
from agents.ledger.money import cents_in_doubt
from agents.ledger.outbox import Backlog, backlog
from agents.ledger.parked import parked_by_reason
from agents.ledger.pool import Pool
from agents.ledger.sweeping import Figure, figures
from agents.ledger.tasks import minutes_asked
from schemas.topics import CLIENTS, MILESTONES
from streams.planning.answer import SENDABLE

_INTERVAL_SECONDS = 5.0
_WAITING = ("pending", "deferred", "held")
_log = structlog.get_logger()

Samples = Iterable[tuple[Sequence[str], float]]


class DeliveryFigures:
    """Keeps the last figures of one ledger and registers the gauges that show them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._figures: tuple[Figure, ...] = ()
        self._minutes_asked = 0
        self._parked: dict[tuple[str, str], int] = {}
        self._cents_in_doubt = 0
        self._backlog = Backlog(changes=0, oldest_at=None)
        self._approvals: tuple[int, datetime | None] = (0, None)
        channel = ("channel",)
        metrics.Sampled("cairn_deliveries_pending", "Deliveries that wait to be sent.", channel, self._pending)
        metrics.Sampled(
            "cairn_deliveries_oldest_timestamp_seconds", "Since when the oldest waits.", channel, self._oldest
        )
        metrics.Sampled("cairn_deliveries_unknown", "May or may not have been sent.", channel, self._unknown)
        metrics.Sampled(
            "cairn_coach_minutes_asked", "Minutes of open coach tasks.", (), lambda: [((), self._minutes_asked)]
        )
        metrics.Sampled(
            "cairn_in_doubt_cents",
            "Cents of gifts that may or may not have been ordered.",
            (),
            lambda: [((), self._cents_in_doubt)],
        )
        metrics.Sampled(
            "cairn_outbox_changes", "Changes that wait for Kafka.", (), lambda: [((), self._backlog.changes)]
        )
        metrics.Sampled(
            "cairn_outbox_oldest_timestamp_seconds", "Since when the oldest of them waits.", (), self._oldest_change
        )
        metrics.Sampled(
            "cairn_approvals_open", "Approvals that wait for a coach.", (), lambda: [((), self._approvals[0])]
        )
        metrics.Sampled(
            "cairn_approvals_oldest_timestamp_seconds",
            "Since when the oldest open approval waits.",
            (),
            self._oldest_approval,
        )
        metrics.Sampled("cairn_parked_records", "Records refused by delivery that wait.", ("topic",), self._by_topic)

    async def run(self) -> None:
        """Ask the ledger until cancelled."""
        while True:
            try:
                self._figures = await figures(self._pool)
                self._minutes_asked = await minutes_asked(self._pool)
                self._parked = await parked_by_reason(self._pool)
                self._cents_in_doubt = await cents_in_doubt(self._pool)
                self._backlog = await backlog(self._pool)
                self._approvals = await approval_figures(self._pool)
            except AWAY as error:
                _log.warning("figures_waited_for", error_type=type(error).__name__)
            await asyncio.sleep(_INTERVAL_SECONDS)

    def _pending(self) -> Samples:
        counts: dict[str, int] = dict.fromkeys(sorted(SENDABLE), 0)
        for figure in self._figures:
            if figure.state in _WAITING:
                counts[figure.channel] = counts.get(figure.channel, 0) + figure.deliveries
        return [((channel,), count) for channel, count in counts.items()]

    def _oldest(self) -> Samples:
        oldest: dict[str, float] = {}
        for figure in self._figures:
            if figure.state in _WAITING:
                since = figure.oldest_at.timestamp()
                oldest[figure.channel] = min(since, oldest.get(figure.channel, since))
        return [((channel,), since) for channel, since in oldest.items()]

    def _oldest_change(self) -> Samples:
        oldest_at = self._backlog.oldest_at
        return [((), oldest_at.timestamp())] if oldest_at else []

    def _unknown(self) -> Samples:
        counts: dict[str, int] = dict.fromkeys(sorted(SENDABLE), 0)
        counts |= {figure.channel: figure.deliveries for figure in self._figures if figure.state == "unknown"}
        return [((channel,), count) for channel, count in counts.items()]

    def _oldest_approval(self) -> Samples:
        since = self._approvals[1]
        return [((), since.timestamp())] if since else []

    def _by_topic(self) -> Samples:
        counts = dict.fromkeys((CLIENTS, MILESTONES), 0)
        for (topic, _), records in self._parked.items():
            counts[topic] = counts.get(topic, 0) + records
        return [((topic,), count) for topic, count in counts.items()]
