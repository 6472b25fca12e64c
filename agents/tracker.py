"""`cairn track`: events and profiles in, milestones out, exactly once.

Wiring alone: hands the engine its logic, rules, clock and topics, and puts probes and
metrics beside it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import prometheus_client

from agents import metrics
from agents.clock import real_now_ms
from agents.engine.app import EngineApp, tracker_app
from agents.engine.config import EngineConfig
from agents.engine.logic import Rules
from agents.engine.observer import Observer
from agents.engine.serving import run
from agents.engine_metrics import EngineMetrics, sample_engine
from agents.engine_probes import engine_checks
from agents.kafka import security_options
from agents.looks import ignore_hangups
from agents.settings import KafkaSettings, TrackSettings
from agents.tenant_watch import TenantWatch
from agents.tenants import STARTER_RULEBOOK, Tenant
from agents.tracker_logic import Tally, TrackerLogic, TrackerRules
from agents.web.listening import listening
from agents.web.probes import probes_app
from schemas.rulebook import load_rulebook
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, MILESTONES, STATE_CHANGELOG, TRACKER_APP_ID
from streams.tracking.compiling import compile_rulebook


class TrackerMetrics(EngineMetrics):
    """Adds, batch by batch, what the logic says became of its records."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally
        self._told: Counter[tuple[str, ...]] = Counter()

    def committed(
        self, partition: int, records: int, outputs: Mapping[str, int], seconds: float, oldest_ms: int | None = None
    ) -> None:
        """Tell what is new in the tally."""
        super().committed(partition, records, outputs, seconds, oldest_ms)
        for labels, count in self._tally.outcomes.items():
            if labels[1] != "refused":  # the engine counts these, with the records of a fold that raised
                self._tell(metrics.EVENTS_CONSUMED, labels, count)
        for labels, count in self._tally.milestones.items():
            self._tell(metrics.MILESTONES, labels, count)

    def _tell(self, counter: prometheus_client.Counter, labels: tuple[str, ...], count: int) -> None:
        counter.labels(*labels).inc(count - self._told[labels])
        self._told[labels] = count


def run_tracker(settings: TrackSettings) -> int:
    """Track until SIGTERM or SIGINT, or until something needed fails for good; returns the exit status."""
    ignore_hangups()
    watch = TenantWatch(settings.tenants_dir, rules_of)
    logic = TrackerLogic(settings.clock.domain_ms)
    observer = TrackerMetrics(logic.tally)

    @asynccontextmanager
    async def beside(app: EngineApp) -> AsyncIterator[None]:
        sample_engine(app.watch.status, observer)
        checks = engine_checks(app)
        probes = probes_app(live=checks.live, ready=checks.ready)
        async with (
            listening(probes, host=settings.probe_host, port=settings.track_probe_port),
            _watching(watch, app),
        ):
            yield

    return run(lambda: build(settings, watch.current, logic, observer), beside)


@asynccontextmanager
async def _watching(watch: TenantWatch[Rules[TrackerRules]], app: EngineApp) -> AsyncIterator[None]:
    """Watch the rulebooks; should that end by itself, the process ends."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            app.fatal(error)

    task = asyncio.create_task(watch.run(), name="rulebooks")
    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()


def build(
    settings: TrackSettings, rules: Callable[[], Rules[TrackerRules]], logic: TrackerLogic, observer: Observer
) -> EngineApp:
    """The tracker's application; builds inside a running loop."""
    return tracker_app(
        engine_config(settings),
        logic,
        rules=rules,
        wall_ms=real_now_ms,
        time_map=settings.clock.domain_ms,
        observer=observer,
    )


def rules_of(tenants: Mapping[str, Tenant]) -> Rules[TrackerRules]:
    """Every tenant's rulebook, compiled; each is versioned under its tenant's name, and the starter under its own."""
    starter = load_rulebook(STARTER_RULEBOOK.read_text(encoding="utf-8"), STARTER_RULEBOOK.name)
    rulebooks = {name: tenant.rulebook for name, tenant in tenants.items()}
    own = {name: tenant.rulebook.version for name, tenant in tenants.items() if tenant.has_own_rulebook}
    return Rules(
        versions={STARTER_RULEBOOK.name: starter.version, **own},
        value=TrackerRules(
            default=compile_rulebook(starter),
            by_tenant={name: compile_rulebook(rulebook) for name, rulebook in rulebooks.items()},
        ),
    )


def engine_config(settings: KafkaSettings) -> EngineConfig:
    """The engine's settings for the tracker."""
    return EngineConfig(
        app_id=TRACKER_APP_ID,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        source_topics=(CLIENTS, EVENTS),
        partitions=settings.partitions,
        changelog_topic=STATE_CHANGELOG,
        dead_letter_topic=DEAD_LETTERS,
        private_topics=frozenset({CLIENTS}),
        output_topics=(MILESTONES,),
        security=security_options(settings),
    )
