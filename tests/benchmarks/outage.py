"""What becomes of hooks while Kafka is away: `python -m tests.benchmarks.outage [SECONDS]`, a minute without SECONDS.

Signed hooks come at a steady pace from before the broker is stopped until after it has been started again, each of
which says something of its own. It must never call an outage survived without reading the topic to its end: every
hook that was answered 202 has to be there, and none twice.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp
import uvloop
from rich.console import Console

from agents import topics
from agents.embedded.child import Child
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import LOOPBACK, usable_port
from agents.embedded.postgres import EmbeddedPostgres
from agents.embedded.smtp import SmtpSink
from agents.ledger.migrate import migrate
from agents.settings import KafkaSettings
from agents.stack import CAIRN
from demo.vendors.habits import signed_webhook
from schemas.codec import decode_event
from schemas.topics import EVENTS
from tests.benchmarks import latency
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.services import is_ready
from tests.integration.intake.stage import checked, read_all
from tests.integration.whole_practice import HOOK_KEY, PROCESSES, environment_of, write_practice

_RATE = 100
_CALM_SECONDS = 5
_OUTAGE_SECONDS = 60
_CLIENTS = 50
_PATIENCE_SECONDS = 120.0
_MS = 1000


def main() -> int:
    """Measure and print; status 1 if a hook that was taken is missing or is there twice."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else _OUTAGE_SECONDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = EmbeddedKafka(folder / "kafka", port=usable_port())  # it comes back where it was
        database, mail = EmbeddedPostgres(folder / "postgres"), SmtpSink(folder / "mail")
        ports = {name: usable_port() for name in (*PROCESSES, "http")}
        try:
            broker.start()
            database.start()
            environment = environment_of(broker.bootstrap_servers, database.dsn, mail, folder, ports)
            write_practice(folder)
            serve = Child("serve", (CAIRN, "serve"), log=folder / "serve.log", env=environment)
            try:
                uvloop.run(_provision(broker.bootstrap_servers, database.dsn))
                serve.start()
                ready = f"http://{LOOPBACK}:{ports['serve']}/readyz"
                serve.wait_until(lambda: is_ready(ready), _PATIENCE_SECONDS)
                return uvloop.run(_measure(broker, environment["CAIRN_PUBLIC_URL"], ready, seconds))
            finally:
                serve.stop()
        finally:
            database.stop()
            broker.stop()


async def _provision(bootstrap_servers: str, dsn: str) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=bootstrap_servers, partitions=2, replication_factor=1)
    await topics.apply(settings, await topics.compare(settings))
    await migrate(dsn)


async def _measure(broker: EmbeddedKafka, url: str, ready: str, seconds: int) -> int:
    answers: dict[str, tuple[int, float]] = {}
    sending = asyncio.create_task(_send(url, _RATE * (seconds + 2 * _CALM_SECONDS), answers))
    await asyncio.sleep(_CALM_SECONDS)
    await asyncio.to_thread(broker.stop)
    began_at = time.monotonic()
    await asyncio.sleep(seconds)
    away_seconds = time.monotonic() - began_at
    await asyncio.to_thread(broker.start)
    await sending
    back_at = time.monotonic()
    while not await asyncio.to_thread(is_ready, ready):
        if time.monotonic() - back_at > _PATIENCE_SECONDS:
            raise NotMeasuredError("the spool was not sent in time")
        await asyncio.sleep(0.1)
    found = Counter(
        decode_event(record.headers, record.value).id
        for record in await read_all(broker.bootstrap_servers, EVENTS, b"")
    )
    taken = {f"app:{number}" for number, (status, _) in answers.items() if status == 202}
    doubles = sum(count - 1 for count in found.values())
    waits = [wait for status, wait in answers.values() if status == 202]
    say = Console(highlight=False, soft_wrap=True).print
    statuses = ", ".join(f"{count} answered {one}" for one, count in Counter(s for s, _ in answers.values()).items())
    say(f"Kafka away for {away_seconds:.0f} s, {_RATE} hooks/s: {len(answers):,} hooks, {statuses}")
    say(f"202 after {latency.percentile(waits, 50):.0f} ms (p50), {latency.percentile(waits, 99):.0f} ms (p99)")
    say(f"on the topic: {len(taken & found.keys()):,} of {len(taken):,} that were taken; {doubles} twice")
    return int(bool(taken - found.keys() or doubles))


async def _send(url: str, count: int, answers: dict[str, tuple[int, float]]) -> None:
    """Send hooks on schedule, whether or not answers arrive; their status, and how long after it was due each came."""
    began_at = time.monotonic()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for number in range(count):
            due_at = began_at + number / _RATE
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            group.create_task(_post(session, url, str(number), due_at, answers))


async def _post(
    session: aiohttp.ClientSession, url: str, number: str, due_at: float, answers: dict[str, tuple[int, float]]
) -> None:
    client, day = f"u-{int(number) % _CLIENTS}", f"2026-05-{int(number) // _CLIENTS % 28 + 1:02}"
    body, headers = signed_webhook(HOOK_KEY, number, checked(client, habit=f"h-{number}", day=day))
    async with session.post(f"{url}/hooks/northstar/app/a-path", data=body, headers=headers) as answer:
        answers[number] = (answer.status, (time.monotonic() - due_at) * _MS)


if __name__ == "__main__":
    sys.exit(main())
