"""The machine: what figures of two of them have to be read by.

Must never be part of a figure: it is shown beside them.
"""

import os
import timeit

_TURNS = 1_000_000
_REPEATS = 5


def figures() -> dict[str, float]:
    """Cores, load average before the run, and what a turn of a plain Python loop takes: the least of some repeats."""
    best = min(
        timeit.repeat(
            "for number in turns: total += number",
            "total = 0; turns = range(1000)",
            number=_TURNS // 1000,
            repeat=_REPEATS,
        )
    )
    return {
        "machine_cores": float(os.cpu_count() or 0),
        "machine_load_before": os.getloadavg()[0],
        "machine_python_turn_ns": best / _TURNS * 1e9,
    }
