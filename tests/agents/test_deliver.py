"""When a delivery process begins to send."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import HttpUrl, SecretStr

from agents.deliver import channels, profiles_unknown, send_when_known
from agents.engine.pipe import Pipe
from agents.settings import DeliverSettings
from schemas.topics import CLIENTS
from streams.planning.answer import KEEPSAKES, SENDABLE
from tests.agents.engine.test_batch import batch
from tests.agents.engine.test_pipe import Steps, settled


class _Sender:
    began = False

    async def run(self) -> None:
        self.began = True


def _pipe(steps: Steps, partition: int) -> Pipe:
    pipe = Pipe(
        partition=partition, positions={CLIENTS: 0}, barriers={CLIENTS: 5}, sink=steps, control=steps, max_queued=2
    )
    pipe.start()
    return pipe


async def test_a_process_without_a_partition_sends_nothing_and_says_why() -> None:
    sender = _Sender()
    app: Any = SimpleNamespace(ownership=SimpleNamespace(ready=True, pipes={}))
    sending = asyncio.create_task(send_when_known(app, sender, look_seconds=0))
    await settled()
    assert profiles_unknown(app) == "no partition is ours yet"
    app.ownership.pipes = {3: _pipe(Steps(), 3)}
    await settled()
    assert profiles_unknown(app) == "profiles of partitions 3 are not applied yet"
    assert not sender.began
    sending.cancel()
    await asyncio.gather(sending, app.ownership.pipes[3].retire(1), return_exceptions=True)


async def test_nothing_is_sent_before_the_profiles_of_every_partition_are_applied() -> None:
    steps, sender = Steps(), _Sender()
    app: Any = SimpleNamespace(ownership=SimpleNamespace(ready=False, pipes={}))
    sending = asyncio.create_task(send_when_known(app, sender, look_seconds=0))
    await settled()
    assert not sender.began, "no partition is ours yet"
    pipes = app.ownership.pipes = {number: _pipe(steps, number) for number in range(2)}
    app.ownership.ready = True
    for pipe in pipes.values():
        await settled()
        assert not sender.began
        pipe.offer(replace(batch(0, 5, 0, 4), topic=CLIENTS))
    await settled()
    assert sender.began
    await asyncio.gather(sending, *(pipe.retire(1) for pipe in pipes.values()))


def test_everything_that_goes_by_itself_has_a_sender_and_keepsakes_have_none(tmp_path: Path) -> None:
    settings = DeliverSettings(
        kafka_bootstrap_servers="k:9092",
        tenants_dir=tmp_path,
        secrets_dir=tmp_path,
        database_url=SecretStr("postgresql://x"),
        public_url=HttpUrl("https://cairn.example"),
        link_key=SecretStr("k" * 32),
        smtp_host="mail.example",
    )
    found = channels(settings, dict)
    assert found.keys() == SENDABLE - KEEPSAKES
    assert [name for name, channel in found.items() if channel and channel.name != name] == []
