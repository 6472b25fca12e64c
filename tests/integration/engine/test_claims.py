"""Claims drop what was lost, and leave nothing open when they are cut short."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from agents.engine.claiming import StateClaimant
from agents.engine.cluster import Cluster
from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError
from agents.engine.logic import Rules
from agents.engine.observer import Observer
from tests.integration.engine.stage import Stage, until


class Always:
    """A generation that never passes."""

    def check(self) -> None:
        """Raise nothing."""


async def test_lost_partitions_are_dropped_and_producers_closed_although_whoever_waited_was_cancelled(
    stage: Stage,
) -> None:
    store: Any = SimpleNamespace(partitions={})
    cluster = Cluster(_config(stage))
    await cluster.wait()
    claimant = _claimant(_config(stage), cluster, store)
    before = _senders()
    with suppress(BrokerAwayError):  # a new broker has no coordinator yet: the producers are open all the same
        await claimant.claim(frozenset(range(stage.partitions)), Always(), keep=False)
    assert _senders() > before
    assert set(store.partitions) == set(range(stage.partitions))
    with suppress(BrokerAwayError):
        await claimant.claim(frozenset({1}), Always(), keep=True)
    assert set(store.partitions) == {1}, "what was lost is dropped whole"
    releasing = asyncio.create_task(claimant.release())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    releasing.cancel()
    try:
        await until(lambda: _senders() == before, "the producers to be closed")
    finally:
        await cluster.close()


def _config(stage: Stage) -> EngineConfig:
    return EngineConfig(
        app_id=stage.name,
        bootstrap_servers=stage.bootstrap_servers,
        source_topics=(stage.clients, stage.events),
        partitions=stage.partitions,
        changelog_topic=stage.changelog,
        dead_letter_topic=stage.dead_letters,
    )


def _claimant(config: EngineConfig, cluster: Cluster, store: Any) -> StateClaimant[Any, None]:
    logic: Any = None
    return StateClaimant(
        config=config,
        cluster=cluster,
        store=store,
        logic=logic,
        rules=lambda: Rules(version=1, value=None),
        time_map=int,
        observer=Observer(),
    )


def _senders() -> int:
    return sum("Sender." in repr(task.get_coro()) for task in asyncio.all_tasks())
