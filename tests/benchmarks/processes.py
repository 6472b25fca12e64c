"""Processes that are measured from outside: the command itself, not the guard that it runs under."""

import time
from contextlib import suppress

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


def cpu_seconds_of_all(name: str) -> float:
    """The CPU time of every process of that name among our own, those that have ended included."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name() == name:
                used = process.cpu_times()
                total += used.user + used.system + used.children_user + used.children_system
    return total
