"""What a replay of the load takes, and what the state of a typical client costs.

The command is measured from outside with its start, as a person waits for it: elapsed time, and the CPU time that the
operating system charged it. It uses one core. Its log is the beginning of the bench's load, one event a line.
"""

import subprocess
import time
import timeit
from itertools import islice
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from agents.stack import CAIRN
from agents.tenants import STARTER_RULEBOOK
from streams.tracking.state import decode_state, encode_state
from tests.benchmarks import load
from tests.benchmarks.peer import NotMeasuredError
from tests.streams.tracking.test_state import typical

_MILLION = 1_000_000
_STEADY_DAYS = 60  # enough for a million events
_DECODES = 20_000
_REPEATS = 5


def replay(folder: Path, events: int) -> dict[str, float]:
    """The seconds of `cairn replay` under the starter rulebook, for each million events.

    Raises:
        NotMeasuredError: it refused a line, or found nothing.
    """
    log, out = folder / "log.jsonl", folder / "milestones.jsonl"
    with log.open("wb") as file:
        file.writelines(sent.value + b"\n" for sent in islice(load.log(steady_days=_STEADY_DAYS, partitions=1), events))
    used, started = _cpu_seconds(), time.perf_counter()
    with out.open("wb") as file:
        ended = subprocess.run(
            [CAIRN, "replay", "--rules", STARTER_RULEBOOK, log], stdout=file, stderr=subprocess.PIPE, check=False
        )
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - used
    if ended.returncode or not out.stat().st_size:
        raise NotMeasuredError(f"cairn replay ended with {ended.returncode}: {ended.stderr[-500:].decode()}")
    return {
        "replay_seconds_per_million": seconds * _MILLION / events,
        "replay_cpu_seconds_per_million": cpu_seconds * _MILLION / events,
    }


def state() -> dict[str, float]:
    """The size of a typical client's state, and how long it takes to decode; the quickest of some repeats."""
    known = typical().state
    if known is None:
        raise NotMeasuredError("the typical client has no state")
    body = encode_state(known)
    best = min(timeit.repeat(lambda: decode_state(body, known.who), number=_DECODES, repeat=_REPEATS))
    return {"state_bytes_typical": len(body), "state_decode_us": best / _DECODES * 1e6}


def _cpu_seconds() -> float:
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
