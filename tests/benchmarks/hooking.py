"""Hooks: how many signed ones `cairn serve` takes a second, and how long until the 202, and until the client's message.

Each hook is by Standard Webhooks, of a client of its own whom the intake knows, and answered once Kafka has
acknowledged it. The load is open: hooks leave on schedule, over connections that stay, whether or not answers arrive,
so a wait counts from the moment at which the hook was due. They are signed before they are due.
"""

import asyncio
import base64
import dataclasses
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from agents.embedded.ports import LOOPBACK, usable_port
from agents.intake.secrecy import Secrecy
from agents.secret_files import SecretFiles
from schemas.topics import DELIVERY_APP_ID, TRACKER_APP_ID
from tests.benchmarks import latency, services
from tests.benchmarks import stage as stages
from tests.benchmarks.delivering import empty_ledger
from tests.benchmarks.load import TENANT
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.processes import cpu_seconds, process_of
from tests.benchmarks.stage import Stage

RATE_PER_SECOND = 1_000
SECONDS = 10
WARM_SECONDS = 10
CLIENTS_FOR_SECONDS = 2
"""As many clients as hooks come in so many seconds."""
CONNECTIONS = 48
IN_APP_PER_SECOND = 50
_SOURCE = "app"
_TAKEN = b"HTTP/1.1 202"
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """Where hooks go, and what signs them."""

    port: int
    path: str
    key: bytes

    def signed(self, webhook_id: str, said: Mapping[str, Any]) -> bytes:
        """A whole request, signed now."""
        stamp, body = str(int(time.time())), json.dumps(said).encode()
        digest = hmac.digest(self.key, f"{webhook_id}.{stamp}.".encode() + body, "sha256")
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nwebhook-id: {webhook_id}\r\nwebhook-timestamp: {stamp}\r\n"
            f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n\r\n"
        )
        return head.encode() + body


async def measure(
    stage: Stage, *, rate: int = RATE_PER_SECOND, warm_seconds: int = WARM_SECONDS, seconds: int = SECONDS
) -> dict[str, float]:
    """Hooks that were acknowledged a second, their wait, and the CPU time of each.

    Raises:
        NotMeasuredError: one was not answered 202.
    """
    stage, clients = _with_port(stage), rate * CLIENTS_FOR_SECONDS
    await stages.clear(stage, groups=[TRACKER_APP_ID, DELIVERY_APP_ID])
    await empty_ledger(stage)
    async with services.running(stage, "serve") as (child,):
        door = _door(stage)
        await _send(door, _checks(door, clients, "met", clients), rate // 4)  # who is known costs less than who is new
        await _send(door, _checks(door, rate * warm_seconds, "warm", clients), rate)
        process = process_of(child)
        used, began_at = cpu_seconds(process), time.monotonic()
        waits = await _send(door, _checks(door, rate * seconds, "walk", clients), rate)
        took, used = time.monotonic() - began_at, cpu_seconds(process) - used
    return {
        "hooks_per_second": len(waits) / took,
        "hooks_p50_ms": latency.percentile(waits, 50),
        "hooks_p99_ms": latency.percentile(waits, 99),
        "hooks_cpu_us": used / len(waits) * 1e6,
    }


async def to_in_app(
    stage: Stage,
    *,
    rate: int = IN_APP_PER_SECOND,
    warm_seconds: int = latency.WARM_SECONDS,
    seconds: int = latency.SECONDS,
) -> dict[str, float]:
    """From the moment at which a hook is due to the row that the inbox shows: all three processes on this machine.

    Raises:
        NotMeasuredError: one was not answered 202, or had no message in time.
    """
    stage = _with_port(stage)
    await stages.clear(stage, groups=[TRACKER_APP_ID, DELIVERY_APP_ID])
    await empty_ledger(stage)
    count = rate * (warm_seconds + seconds)
    async with services.running(stage, "track", "deliver", "serve"), latency.inbox_seen(stage) as seen:
        began_ms = time.time() * _MS
        await _send(_door(stage), _sessions(_door(stage), count), rate)

        async def are_seen() -> bool:
            return len(seen) >= count

        try:
            await stages.until_done(are_seen)
        except TimeoutError:
            raise NotMeasuredError(f"{count - len(seen)} of {count} hooks had no message in time") from None
        clients = await _clients(stage, count)
    waits = [seen[clients[number]] - (began_ms + number / rate * _MS) for number in range(rate * warm_seconds, count)]
    return {f"hook_to_in_app_p{percent}_ms": latency.percentile(waits, percent) for percent in (50, 99)}


async def _send(door: _Door, hooks: Sequence[bytes], rate: int) -> list[float]:
    """Send hooks on schedule; how many milliseconds after it was due each was acknowledged."""
    waits: list[float] = []
    due: asyncio.Queue[tuple[bytes, float] | None] = asyncio.Queue()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, door.port)
        try:
            while (hook := await due.get()) is not None:
                request, due_at = hook
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(_LENGTH.findall(head)[0]))
                if not head.startswith(_TAKEN):
                    raise NotMeasuredError(f"a hook was answered {head[:40]!r}")
                waits.append((time.monotonic() - due_at) * _MS)
        finally:
            writer.close()

    async def schedule() -> None:
        began_at = time.monotonic()
        for number, hook in enumerate(hooks):
            due_at = began_at + number / rate
            if (seconds := due_at - time.monotonic()) > 0:
                await asyncio.sleep(seconds)
            due.put_nowait((hook, due_at))
        for _ in range(CONNECTIONS):
            due.put_nowait(None)

    async with asyncio.TaskGroup() as group:
        group.create_task(schedule())
        for _ in range(CONNECTIONS):
            group.create_task(work())
    return waits


def _checks(door: _Door, count: int, habit: str, clients: int) -> list[bytes]:
    """Checks of a habit by clients in turn, each on a day of its own."""
    began_on = date(2020, 1, 1)
    return [
        door.signed(
            f"{habit}-{number}",
            {
                "type": "habit.checked",
                "data": {
                    "client": {"id": f"u{number % clients}", "name": "Kim Sample"},
                    "habit_id": habit,
                    "day": (began_on + timedelta(days=number // clients)).isoformat(),
                },
            },
        )
        for number in range(count)
    ]


def _sessions(door: _Door, count: int) -> list[bytes]:
    """First sessions, each of a new client."""
    return [
        door.signed(
            f"session-{number}",
            {
                "type": "session.completed",
                "data": {"client": {"id": _name(number), "name": "Kim Sample"}, "session_id": f"s{number}"},
            },
        )
        for number in range(count)
    ]


async def _clients(stage: Stage, count: int) -> dict[int, str]:
    """The pseudonyms that the intake gave, by number of the client."""
    secrecy = Secrecy(stage.env["CAIRN_IDENTITY_KEY"].encode())
    numbers = {secrecy.hashed(TENANT, "id", _SOURCE, _name(number)): number for number in range(count)}
    connection = await asyncpg.connect(stage.postgres)
    try:
        rows = await connection.fetch("SELECT key_hash, client FROM identities WHERE tenant = $1", TENANT)
    finally:
        await connection.close()
    return {numbers[row["key_hash"]]: row["client"] for row in rows if row["key_hash"] in numbers}


def _name(number: int) -> str:
    return f"new-{number}"


def _with_port(stage: Stage) -> Stage:
    """A port and a limit of its own: another service may have the usual one."""
    own = {"CAIRN_HTTP_PORT": str(usable_port()), "CAIRN_HOOKS_PER_SECOND": "100000"}
    return dataclasses.replace(stage, env={**stage.env, **own})


def _door(stage: Stage) -> _Door:
    secrets = SecretFiles(Path(stage.env["CAIRN_SECRETS_DIR"]))
    (path, *_), (key, *_) = (secrets.values(TENANT, f"{_SOURCE}.{name}") for name in ("path", "key"))
    return _Door(
        port=int(stage.env["CAIRN_HTTP_PORT"]),
        path=f"/hooks/{TENANT}/{_SOURCE}/{path}",
        key=base64.b64decode(key.removeprefix("whsec_")),
    )
