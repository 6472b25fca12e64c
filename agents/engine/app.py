"""The Faust application: built here, driven by Faust, with our consumer, recovery and table store inside.

Must never declare topics, commit through Faust, or start Faust's producer, web server or leader topic.

Theory of operation: one agent iterates the batches of all source topics and offers them to the pipes. Faust keeps
group membership, the assignor, the co-partitioning of topics and table, and the life cycle of all services.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import faust
import structlog
from faust.app.base import BootStrategy
from faust.tables.table import Table
from faust.types import TP

from agents import reset_connections
from agents.engine import pins
from agents.engine.claiming import StateClaimant
from agents.engine.cluster import Cluster
from agents.engine.config import EngineConfig
from agents.engine.consumer import BatchSchema, BatchTransport
from agents.engine.errors import EngineError
from agents.engine.logic import Logic, R, Rules, S
from agents.engine.observer import Observer
from agents.engine.ownership import Claimant, Ownership
from agents.engine.positioned import PositionedClaimant, PositionedSource
from agents.engine.recovery import TableManager
from agents.engine.store import StateStore
from agents.engine.watch import Watch

log = structlog.get_logger(__name__)

pins.check()
reset_connections.install()


class _ConsumerOnly(BootStrategy):
    """Starts no producer of Faust's: every write goes through a pipe's transaction."""

    enable_kafka_producer = False
    enable_web = False


class StateTable(Table[bytes, bytes]):
    """A Faust table over the committed states."""

    def _new_store(self) -> StateStore:
        return StateStore("memory://", self.app, self, table_name=self.name, loop=self.loop)


class EngineApp(faust.App):
    """A Faust application whose messages are batches."""

    BootStrategy = _ConsumerOnly
    engine_config: EngineConfig
    cluster: Cluster
    ownership: Ownership
    watch: Watch

    def __init__(self, config: EngineConfig, observer: Observer, **settings: Any) -> None:
        self.engine_config = config
        self.observer = observer
        self.failure: BaseException | None = None
        self.stopping = False  # pipes have retired: rebalances are nobody's business any more
        self.failed = asyncio.Event()
        self.cluster = Cluster(config)
        super().__init__(config.app_id, **_settings(config), **settings)

    def wants(self, topic: str, partition: int) -> bool:
        """Tell whether a pipe has room for a batch; may be called from the consumer's thread."""
        return self.ownership.wants(topic, partition)

    def fatal(self, error: BaseException) -> None:
        """End the process: what happened is told here once, and `serve` returns a non-zero status."""
        if self.failure is None:
            self.failure = error
            log.critical("engine.failed", error=str(error), kind=type(error).__name__, exc_info=_stack(error))
            self.failed.set()

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        # aiokafka only logs what a rebalance listener raises: errors end the process here.
        try:
            await super()._on_partitions_revoked(revoked)
            await self.ownership.retire(self.engine_config.rebalance_timeout_ms / 2_000)
        except Exception as error:  # noqa: BLE001 - ends the process
            self.fatal(error)


def tracker_app(
    config: EngineConfig,
    logic: Logic[S, R],
    *,
    rules: Callable[[], Rules[R]],
    wall_ms: Callable[[], int],
    time_map: Callable[[int], int] = lambda ms: ms,
    observer: Observer | None = None,
) -> EngineApp:
    """Build an application with state: folds its sources into a table and writes outputs, exactly once.

    Args:
        config: The engine's settings, with changelog and dead-letter topics.
        logic: What records mean.
        rules: Returns the current snapshot of the rules; asked once a batch.
        wall_ms: The wall clock in real milliseconds; counts only where nothing is left to read.
        time_map: Maps real milliseconds to domain milliseconds, monotonically.
        observer: Who watches.
    """
    if config.changelog_topic is None or config.dead_letter_topic is None:
        raise EngineError("an application with state needs a changelog topic and a dead-letter topic")
    watcher = observer or Observer()
    app = EngineApp(config, watcher)
    store = _table(app, config.changelog_topic)
    claimant = StateClaimant(
        config=config,
        cluster=app.cluster,
        store=store,
        logic=logic,
        rules=rules,
        time_map=time_map,
        observer=watcher,
    )
    return _assembled(app, claimant, store.partitions, lambda: time_map(wall_ms()))


def positioned_app(
    config: EngineConfig, sources: tuple[PositionedSource, ...], *, observer: Observer | None = None
) -> EngineApp:
    """Build an application that keeps its positions elsewhere; its config names the same topics in the same order."""
    if tuple(source.topic for source in sources) != config.source_topics:
        raise EngineError(f"the sources must be {config.source_topics}, in this order")
    watcher = observer or Observer()
    app = EngineApp(config, watcher)
    return _assembled(app, PositionedClaimant(config, app.cluster, sources, watcher), {}, None)


def _assembled(
    app: EngineApp, claimant: Claimant, states: Mapping[int, Any], domain_now: Callable[[], int] | None
) -> EngineApp:
    config = app.engine_config
    app.ownership = Ownership(app, config, claimant, app.observer)
    app.watch = Watch(app, config, states, domain_now)
    sources = app.topic(*config.source_topics, acks=False, schema=BatchSchema(), partitions=config.partitions)

    @app.agent(sources, name=f"{config.app_id}.batches")
    async def batches(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                app.ownership.offer(event.value)
            except Exception as error:  # noqa: BLE001 - ends the process; Faust would restart the agent silently
                app.fatal(error)

    return app


def _table(app: EngineApp, changelog: str) -> StateStore:
    topic = app.topic(changelog, acks=False, internal=True, key_type=bytes, value_type=bytes, compacting=True)
    table = StateTable(
        app,
        name="states",
        key_type=bytes,
        value_type=bytes,
        partitions=app.engine_config.partitions,
        changelog_topic=topic,
    )
    app.tables.add(table)
    return cast("StateStore", table.data)


def _settings(config: EngineConfig) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{server.strip()}" for server in config.bootstrap_servers.split(",")],
        "TableManager": TableManager,
        "autodiscover": False,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "store": "memory://",
        # Faust makes this folder, and nothing of ours is kept there: containers have a read-only root.
        "datadir": str(Path(tempfile.gettempdir()) / f"{config.app_id}-data"),
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": config.partitions,
        "table_standby_replicas": 0,
        "stream_wait_empty": False,
        "stream_recovery_delay": 0.0,
        "stream_buffer_maxsize": 256,
        "web_enabled": False,
        "broker_session_timeout": config.session_timeout_ms / 1_000,
        "broker_heartbeat_interval": config.heartbeat_interval_ms / 1_000,
        "broker_rebalance_timeout": config.rebalance_timeout_ms / 1_000,
        "broker_request_timeout": max(config.request_timeout_ms, config.session_timeout_ms) / 1_000,
    }


def _stack(error: BaseException) -> BaseException | None:
    return None if isinstance(error, EngineError) else error
