"""What an import of a table takes: `python -m tests.benchmarks.importing [ROWS]`.

A million rows without ROWS: events of ten thousand clients who are known by address, with their names, and then a
tenth as many rows of a CRM, each a new client. Each runs `cairn import` on a broker and a database of its own, and is
measured from outside with its start, as a person waits for it. It must never time an import that left something out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import uvloop

from agents import topics
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.postgres import EmbeddedPostgres
from agents.ledger.migrate import migrate
from agents.settings import KafkaSettings
from agents.stack import CAIRN
from tests.benchmarks.peer import NotMeasuredError

_MILLION = 1_000_000
_CLIENTS = 10_000
_RATE = 100_000
_PARTITIONS = 24
_EVENTS = """
client: {email: E-Mail}
event:
  type: {column: What, values: {Habit: habit.checked, Workout: workout.done}}
  time: Done at
  data: {habit_id: Habit, minutes: {column: Minutes, as: number}}
profile: {name: Name}
"""
_CRM = """
client: {email: E-Mail, external_id: No}
source: crm
profile:
  name: Name
  birthday: {column: Born, format: "%d.%m.%Y"}
  joined_on: Joined
  renewal_on: Renews
"""


def main() -> int:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else _MILLION
    with tempfile.TemporaryDirectory() as folder:
        broker = EmbeddedKafka(Path(folder) / "kafka")
        database = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            broker.start()
            database.start()
            environment = _prepared(broker.bootstrap_servers, database.dsn)
            _measure(Path(folder), "events", _EVENTS, _event_rows(rows), environment)
            _measure(Path(folder), "crm", _CRM, _crm_rows(rows // 10), environment)
        finally:
            database.stop()
            broker.stop()
    return 0


def _prepared(bootstrap_servers: str, dsn: str) -> dict[str, str]:
    settings = KafkaSettings(
        kafka_bootstrap_servers=bootstrap_servers, partitions=_PARTITIONS, replication_factor=1, min_insync_replicas=1
    )

    async def provision() -> None:
        await topics.apply(settings, await topics.compare(settings))
        await migrate(dsn)

    uvloop.run(provision())
    return {
        **os.environ,
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "CAIRN_DATABASE_URL": dsn,
        "CAIRN_IDENTITY_KEY": "an identity key of 32 bytes or so",
    }


def _event_rows(rows: int) -> Iterator[str]:
    yield "E-Mail,Name,What,Done at,Habit,Minutes\n"
    for number in range(rows):
        client, turn = number % _CLIENTS, number // _CLIENTS
        at = f"2026-{1 + turn // 28 % 4:02}-{1 + turn % 28:02}T{number % 24:02}:{turn % 60:02}:00Z"
        what = "Workout" if turn % 3 else "Habit"
        yield f'c{client}@example.org,"Client {client}",{what},{at},run,{turn % 90}\n'


def _crm_rows(rows: int) -> Iterator[str]:
    yield "No,Name,E-Mail,Born,Joined,Renews\n"
    for number in range(rows):
        day = 1 + number % 28
        yield f'{number},"Client {number}",n{number}@example.org,{day:02}.04.1990,2024-02-{day:02},2027-02-{day:02}\n'


def _measure(folder: Path, name: str, mapping: str, rows: Iterator[str], environment: dict[str, str]) -> None:
    """Import a table and print what it took.

    Raises:
        NotMeasuredError: it refused a row, or failed.
    """
    table, meaning = folder / f"{name}.csv", folder / f"{name}.yaml"
    meaning.write_text(mapping)
    with table.open("w") as file:
        written = sum(bool(file.write(row)) for row in rows) - 1
    load, used, started = os.getloadavg()[0], _cpu_seconds(), time.perf_counter()
    command = [CAIRN, "import", table, "--tenant", "bench", "--mapping", meaning, "--rate", str(_RATE)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - used
    if ended.returncode:
        raise NotMeasuredError(f"cairn import ended with {ended.returncode}: {ended.stderr[-500:]}")
    sys.stdout.write(
        f"{name:7} {written:9,} rows in {seconds:6.1f} s: {written / seconds:7,.0f} rows/s, "
        f"{seconds * _MILLION / written:5.0f} s for a million, "
        f"{cpu_seconds * _MILLION / written:4.0f} s of them on a core in the command itself   "
        f"(load before {load:.1f}, after {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)   {ended.stdout.strip()}\n"
    )
    sys.stdout.flush()


def _cpu_seconds() -> float:
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
