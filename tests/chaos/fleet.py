"""Processes of one kind, kept running as a supervisor would: who ends without being told is started again."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from agents.embedded.child import Child
from agents.embedded.ports import LOOPBACK, usable_port
from tests.benchmarks.services import is_ready

_READY_SECONDS = 120.0
_GRACE_SECONDS = 25.0
_LOOK_SECONDS = 0.2
_END_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is odd about the surroundings of a process.

    Attributes:
        detour: the port of the proxy that it reaches the broker through; None for no detour.
        clock_seconds: how far its clock is ahead of everybody else's.
    """

    detour: int | None = None
    clock_seconds: int = 0


PLAIN = Around()
Command = Callable[[Around], tuple[str, ...]]
"""The command line of a process in such surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is run.

    Attributes:
        name: what people call it.
        command: see `Command`.
        env: the environment.
        probe: the setting that holds the port of its probes; None for a program without.
    """

    name: str
    command: Command
    env: Mapping[str, str]
    probe: str | None


@dataclass(eq=False)
class Member:
    """One process.

    Attributes:
        child: the process and its guard.
        url: says whether it is ready.
        around: what is odd about its surroundings.
        is_doomed: whether its end is wanted.
    """

    child: Child
    url: str | None
    around: Around
    is_doomed: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, not to its guard; one that is gone hears nothing."""
        with suppress(ProcessLookupError, psutil.NoSuchProcess, IndexError):
            os.kill(_pid(self.child), number)

    def is_ready(self) -> bool:
        """Whether its probe says so."""
        return self.url is None or is_ready(self.url)


@dataclass(eq=False)
class Fleet:
    """The processes.

    Attributes:
        kind: what they are.
        folder: where they log.
        members: those that are meant to run.
        restarts: how often one had ended by itself.
        stuck: how often one had to be killed because it did not end.
    """

    kind: Kind
    folder: Path
    members: list[Member] = field(default_factory=list)
    restarts: int = 0
    stuck: int = 0
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    _supervisor: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to supervise."""
        self._supervisor = asyncio.create_task(self._supervise())

    async def close(self) -> None:
        """End all of them."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        for member in self.members:
            member.is_doomed = True
            member.send(signal.SIGCONT)
            member.child.ask_to_stop()
        await asyncio.gather(*(asyncio.to_thread(member.child.stop) for member in self.members))
        self.members.clear()

    def start(self, around: Around = PLAIN) -> Member:
        """Start one more."""
        env = dict(self.kind.env)
        url = None
        if self.kind.probe is not None:
            port = usable_port()
            env[self.kind.probe] = str(port)
            url = f"http://{LOOPBACK}:{port}/readyz"
        log = self.folder / "logs" / f"{self.kind.name}-{next(self._numbers)}.log"
        child = Child(self.kind.name, self.kind.command(around), log=log, env=env, grace_seconds=_GRACE_SECONDS)
        child.start()
        member = Member(child=child, url=url, around=around)
        self.members.append(member)
        return member

    async def ready(self) -> None:
        """Wait until all of them are; one that ends meanwhile has a successor.

        Raises:
            ChildFailedError: they were not ready in time.
        """
        give_up_at = time.monotonic() + _READY_SECONDS
        while not all([await asyncio.to_thread(member.is_ready) for member in tuple(self.members)]):
            if time.monotonic() > give_up_at:
                raise self.members[0].child.failure(f"and its like were not ready within {_READY_SECONDS:.0f} s")
            await asyncio.sleep(_LOOK_SECONDS)

    async def kill(self, member: Member) -> float:
        """SIGKILL, and take another in its place; returns the moment of the kill."""
        at = time.monotonic()
        member.is_doomed = True
        member.send(signal.SIGKILL)
        await self._gone(member)
        self.start(member.around)
        return at

    def killer(self, member: Member) -> Callable[[], None]:
        """What kills at once, from wherever it is called; the supervisor starts another."""
        pid = _pid(member.child)
        return lambda: os.kill(pid, signal.SIGKILL)

    async def terminate(self, member: Member) -> tuple[int, float]:
        """SIGTERM; returns the exit status and how many seconds the end took."""
        began_at = time.monotonic()
        member.is_doomed = True
        member.send(signal.SIGTERM)
        status = await self._gone(member)
        return status, time.monotonic() - began_at

    async def renew(self, around: Around, count: int) -> None:
        """End all in order, and start others in other surroundings."""
        await asyncio.gather(*(self.terminate(member) for member in tuple(self.members)))
        for _ in range(count):
            self.start(around)
        await self.ready()

    async def _gone(self, member: Member) -> int:
        give_up_at = time.monotonic() + _END_SECONDS
        while (status := member.child.exit_code) is None:
            if time.monotonic() > give_up_at:
                self.stuck += 1
                give_up_at += _END_SECONDS
                member.send(signal.SIGKILL)
            await asyncio.sleep(0.02)
        with suppress(ValueError):
            self.members.remove(member)
        return status

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for member in tuple(self.members):
                if not member.is_doomed and member.child.exit_code is not None:
                    self.members.remove(member)
                    self.restarts += 1
                    self.start(member.around)


def _pid(child: Child) -> int:
    """The command itself: the one child of its guard."""
    assert child._guard is not None
    guard = psutil.Process(child._guard.pid)
    while not (children := guard.children()):
        if child.exit_code is not None:
            raise psutil.NoSuchProcess(child._guard.pid)
        time.sleep(0.01)
    return children[0].pid
