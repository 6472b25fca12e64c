"""Processes that are measured from outside: the command itself, not the guard that it runs under."""

import time
from contextlib import suppress
from pathlib import Path

import psutil

from agents.embedded.child import Child


def process_of(child: Child) -> psutil.Process:
    """The process of a child that was started: the one child of its guard."""
    assert child._guard is not None
    guard = psutil.Process(child._guard.pid)
    while not (children := guard.children()):
        time.sleep(0.01)
    return children[0]


def cpu_seconds(process: psutil.Process) -> float:
    """The CPU time that the operating system has charged it so far."""
    used = process.cpu_times()
    return float(used.user + used.system)


def peak_megabytes(process: psutil.Process) -> float:
    """The most memory that was ever resident, as the kernel keeps it (proc(5), VmHWM)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kilobytes * 1_024 / 1_000_000


def cpu_seconds_of_all(name: str) -> float:
    """The CPU time of every process of that name among our own, those that have ended included."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name() == name:
                used = process.cpu_times()
                total += used.user + used.system + used.children_user + used.children_system
    return total
