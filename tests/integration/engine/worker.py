"""A worker process for the fault tests: counts records per key with the real engine, and can be hurt at exact points.

Run as a command; its settings are one JSON object. It prints one line a step, so that a test can wait for it.
"""

# ruff: noqa: ARG002 - it implements protocols whose arguments it does not all need

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from aiokafka.conn import AIOKafkaConnection

from agents.engine.app import EngineApp, tracker_app
from agents.engine.batch import Batch
from agents.engine.config import EngineConfig
from agents.engine.logic import Folded, Output, Record, Refusal, Rules
from agents.engine.observer import Observer
from agents.engine.serving import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often a key was seen, the sum of what was sent, and when it falls due (0: never)."""

    count: int
    due_ms: int = 0
    ticks: int = 0
    rules: int = 0
    flaw: str = ""


class Counting:
    """Counts per key; every tenth record is a milestone, `boom` raises, `bad` is refused, `due:N` sets a deadline.

    `flaw:NAME` sets a deadline too, and leaves a state for which the function of that name raises, unless `mended`.

    A state carries the rules that it was last decided by; one that newer rules find is told once.
    """

    def __init__(self, output: str, padding: int = 0, *, mended: bool = False) -> None:
        self._output = output
        self._mended = mended
        self._padding = b" " * padding

    def decode(self, key: bytes, body: bytes) -> Count:
        return self._unless_flawed("decode", Count(**json.loads(body)))

    def encode(self, state: Count) -> bytes:
        self._unless_flawed("encode", state)
        fields = {"rules": state.rules, "count": state.count, "due_ms": state.due_ms, "ticks": state.ticks}
        fields |= {"flaw": state.flaw} if state.flaw else {}
        return json.dumps(fields, separators=(",", ":")).encode() + self._padding

    def fold(self, state: Count | None, topic: str, record: Record, now_ms: int, rules: int) -> Folded[Count]:
        value = record.value or b""
        if value == b"boom":
            raise ValueError("boom")
        if value.strip() == b"bad":
            return Folded(state=None, refusal=Refusal(reason="bad", detail="it says so"))
        before = state or Count(count=0)
        if topic.endswith("clients"):
            return Folded(state=replace(before, count=before.count + 1_000_000, rules=rules))
        if value.startswith(b"flaw:"):
            before = replace(before, flaw=value[5:].decode(), due_ms=now_ms)
        due_ms = now_ms + int(value[4:]) if value.startswith(b"due:") else before.due_ms
        after = replace(before, count=before.count + 1, due_ms=due_ms, rules=rules)
        if after.count % 10:
            return Folded(state=after)
        text = json.dumps({"count": after.count, "rules": rules}).encode()
        return Folded(state=after, outputs=(Output(topic=self._output, key=record.key, value=text),))

    def tick(self, state: Count, now_ms: int, rules: int) -> tuple[Count, tuple[Output, ...]]:
        told, after = [], replace(self._unless_flawed("tick", state), rules=rules)
        if state.rules != rules:
            told.append({"renewed": rules, "at": now_ms, "count": state.count})
        if 0 < state.due_ms <= now_ms:
            told.append({"lapsed": state.due_ms, "late": now_ms < state.due_ms, "count": state.count})
            after = replace(after, due_ms=0, ticks=state.ticks + 1)
        return after, tuple(
            Output(topic=self._output, key=b"lapse" if "lapsed" in one else b"renewed", value=json.dumps(one).encode())
            for one in told
        )

    def _unless_flawed(self, function: str, state: Count) -> Count:
        if state.flaw == function and not self._mended:
            raise ValueError(function)
        return state

    def next_deadline(self, state: Count) -> int | None:
        return state.due_ms or None

    def is_outdated(self, key: bytes, body: bytes, rules: int) -> bool:
        return not body.startswith(b'{"rules":%d,' % rules)


class Hurting(Observer):
    """Says what happens, and kills, stops or slows this process where the test wants it.

    Args:
        hurt: `point`, the number of the call there, and what to do.
    """

    def __init__(self, hurt: Mapping[str, Any]) -> None:
        self._hurt = hurt
        self._calls = 0

    def restored(self, partition: int, records: int, seconds: float) -> None:
        say("restored", partition=partition, records=records)
        self._reach("restored")

    def sent(self, partition: int) -> None:
        self._reach("sent")

    def committed(
        self, partition: int, records: int, outputs: Mapping[str, int], seconds: float, oldest_ms: int | None = None
    ) -> None:
        if records:
            say("committed", partition=partition, records=records)
        self._reach("committed")

    def folded(self, topic: str, records: int, replayed: int, refused: Mapping[str, int], seconds: float) -> None:
        if replayed:
            say("replayed", records=replayed)

    def reread(self, topic: str, partition: int) -> None:
        say("reread", topic=topic, partition=partition)

    def swept(self, partition: int, keys: int) -> None:
        say("swept", partition=partition, keys=keys)
        self._reach("swept")

    def ticked(self, partition: int, keys: int) -> None:
        say("ticked", partition=partition, keys=keys)

    def parked(self, partition: int, keys: int) -> None:
        say("parked", partition=partition, keys=keys)

    def tripped(self, partition: int) -> None:
        say("tripped", partition=partition)

    def retried(self, reason: str) -> None:
        say("retried", reason=reason)

    def waiting_for_rules(self, partition: int) -> None:
        say("waiting_for_rules", partition=partition)

    def _reach(self, point: str) -> None:
        if self._hurt.get("point") != point:
            return
        self._calls += 1
        if self._hurt["action"] == "sleep":
            time.sleep(self._hurt["seconds"])
        elif self._calls == self._hurt["call"]:
            say("hurt", point=point)
            os.kill(os.getpid(), getattr(signal, self._hurt["action"]))


def say(step: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"step": step, "at": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def detour(port: int) -> None:
    """Send every connection through a proxy on this port."""
    connect = AIOKafkaConnection.connect

    async def through(self: AIOKafkaConnection) -> Any:
        self._host, self._port = "127.0.0.1", port
        return await connect(self)

    AIOKafkaConnection.connect = through


def shake(app: EngineApp, every: int) -> EngineApp:
    """Lose every nth batch on its way, and read every nth again from its middle."""
    offer, offered = app.ownership.offer, 0

    def shaken(batch: Batch) -> None:
        nonlocal offered
        offered += 1
        if offered % every == 0:
            return
        offer(batch)
        if offered % every == 1:
            app.ownership.seek(batch.topic, batch.partition, (batch.start + batch.end) // 2)

    app.ownership.offer = shaken  # type: ignore[method-assign] # the point of this worker
    return app


def main(settings: dict[str, Any]) -> int:
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if "proxy_port" in settings:
        detour(settings["proxy_port"])
    fields = {**settings["config"], "source_topics": tuple(settings["config"]["source_topics"])}
    config = EngineConfig(**{**fields, "output_topics": tuple(fields["output_topics"])})
    logic = Counting(config.output_topics[0], settings.get("padding", 0), mended=settings.get("mended", False))
    rules = [Rules(versions={"all": settings.get("rules", 1)}, value=settings.get("rules", 1))]

    def newer(*_: object) -> None:
        version = rules[0].value + 1
        rules[0] = Rules(versions={"all": version}, value=version)

    def build() -> EngineApp:
        signal.signal(signal.SIGUSR1, newer)
        app = tracker_app(
            config,
            logic,
            rules=lambda: rules[0],
            wall_ms=lambda: int(time.time() * 1_000),
            observer=Hurting(settings.get("hurt", {})),
        )
        return shake(app, settings["shake"]) if "shake" in settings else app

    return run(build, beside=Reporting)


class Reporting:
    def __init__(self, app: EngineApp) -> None:
        self._app = app

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._report())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _report(self) -> None:
        while not self._app.ownership.ready:  # noqa: ASYNC110 - sampled, as a probe does
            await asyncio.sleep(0.02)
        say("ready", partitions=sorted(self._app.ownership.pipes))


if __name__ == "__main__":
    raise SystemExit(main(json.loads(sys.argv[1])))
