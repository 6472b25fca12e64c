"""A real `cairn track` that is killed and started again, on a clock that the test sets."""

import asyncio
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from agents.embedded.ports import LOOPBACK, usable_port
from agents.stored_state import StoredState, read_stored
from agents.topic_reader import open_reader
from schemas.milestone import Milestone
from schemas.milestone_codec import decode_milestone
from schemas.topics import MILESTONES, STATE_CHANGELOG, TRACKER_APP_ID
from tests.integration.history.stage import CAIRN, COACHES, PARTITIONS, TENANT, Stage

PATIENCE_SECONDS = 60.0


class TrackerStage(Stage):
    """Topics, tenants' folders, and one tracker at a time."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        super().__init__(bootstrap_servers)
        self.folder = folder
        self.tenants = folder / "tenants"
        self._log = folder / "track.log"
        self._process: asyncio.subprocess.Process | None = None

    async def close(self) -> None:
        """End what runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await super().close()

    def write_tenant(self, name: str, rulebook: str | None = None) -> None:
        """A tenant's folder, or a new rulebook in it."""
        (self.tenants / name).mkdir(parents=True, exist_ok=True)
        files = {"tenant": TENANT, "coaches": COACHES, "rulebook": rulebook}
        for file, text in files.items():
            if text is not None:
                (self.tenants / name / f"{file}.yaml").write_text(text, encoding="utf-8")

    async def track(self, clock: dict[str, str]) -> None:
        """Start the tracker and wait until it is ready."""
        port = usable_port()
        environment = {
            "CAIRN_KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
            "CAIRN_PARTITIONS": str(PARTITIONS),
            "CAIRN_TENANTS_DIR": str(self.tenants),
            "CAIRN_SECRETS_DIR": str(self.folder),
            "CAIRN_TRACK_PROBE_PORT": str(port),
            **clock,
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(CAIRN), "track", stdout=log, stderr=log, env={**os.environ, **environment}
            )
        await self.until(lambda: _is_ready(f"http://{LOOPBACK}:{port}/readyz"), "the tracker to be ready")

    async def kill(self) -> None:
        """SIGKILL; the group is told, so that the next tracker need not wait for the dead one's session to end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        assert await self._process.wait() == -signal.SIGKILL
        await self._bury()

    async def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert await self._process.wait() == 0, self.said

    @property
    def said(self) -> str:
        """The end of the trackers' log."""
        return self._log.read_text()[-4_000:] if self._log.exists() else ""

    async def until(self, is_true: Callable[[], bool], what: str) -> None:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not await asyncio.to_thread(is_true):
            assert time.monotonic() < ends_at, f"waited for {what}\n{self.said}"
            await asyncio.sleep(0.05)

    async def until_told(self, is_enough: Callable[[list[Milestone]], bool]) -> list[Milestone]:
        """Wait until what was told is enough; returns it."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not is_enough(told := await self.told()):
            assert time.monotonic() < ends_at, f"{len(told)} milestones are not enough\n{self.said}"
            await asyncio.sleep(0.3)
        return told

    async def told(self) -> list[Milestone]:
        """Every committed milestone, in order within a client."""
        return [decode_milestone(record.headers, record.value) for record in await self._everything(MILESTONES)]

    async def states(self) -> dict[str, StoredState]:
        """The newest state of each client of this test, by `tenant/client`."""
        newest = {each.key or b"": each.value for each in await self._everything(STATE_CHANGELOG)}
        own = {key: value for key, value in newest.items() if value is not None and not key.startswith(b"\0")}
        return {key.decode(): read_stored(key, value) for key, value in own.items()}

    async def until_state(self, who: str, holds: Callable[[StoredState], bool]) -> StoredState:
        """Wait until what is committed about a client holds."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while (found := (await self.states()).get(who)) is None or not holds(found):
            assert time.monotonic() < ends_at, f"waited for {who}: {found}\n{self.said}"
            await asyncio.sleep(0.3)
        return found

    async def tell(self, topic: str, key: str, body: dict[str, Any]) -> None:
        await self.producer.send_and_wait(topic, key=key.encode(), value=msgspec.json.encode(body))

    async def _everything(self, topic: str) -> list[Any]:
        async with open_reader(self.options) as reader:
            return [record async for record in reader.records(await reader.spans(topic))]

    async def _bury(self) -> None:
        admin = AIOKafkaAdminClient(**self.options)
        await admin.start()
        try:
            coordinator = await admin.find_coordinator(TRACKER_APP_ID)
            (answer,) = await admin.describe_consumer_groups([TRACKER_APP_ID])
            members = [member for group in answer.groups for member in group[5]]
            for member_id, *_ in members:
                await admin._send_request(LeaveGroupRequest(TRACKER_APP_ID, member_id), coordinator)
        finally:
            await admin.close()


def clock_at(instant: datetime) -> dict[str, str]:
    """The settings of a clock that shows an instant now and goes at the pace of the real one."""
    return {"CAIRN_CLOCK_ORIGIN": instant.isoformat(), "CAIRN_CLOCK_START": datetime.now(UTC).isoformat()}


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - a URL of this test
            return bool(answer.status == 200)
    except OSError:
        return False
