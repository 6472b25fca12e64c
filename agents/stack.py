"""Everything on one machine: embedded servers, provisioning and the given processes, up and down in order.

Must never return from `close` while something that it started runs, or hide that something ended by itself.

Theory of operation: Postgres and Kafka start side by side, each followed at once by what it needs before use
(the schema, the topics); both are provisioned by the very commands that an operator would run. Every process
is a guarded child (see `agents.embedded.child`), so SIGKILL of this process leaves none behind either.
`close` ends everything in the reverse order of its start, each within its grace.
"""

import http.client
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from agents.embedded.child import Child, ChildFailedError
from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.postgres import EmbeddedPostgres
from agents.embedded.smtp import SmtpSink
from agents.startup_view import StartupView

CAIRN = str(Path(sys.executable).with_name("cairn"))
_COMMAND_SECONDS = 60.0
_READY_SECONDS = 60.0
_GRACE_SECONDS = 25.0
_WATCH_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One long-running command and how to know that it is ready.

    Attributes:
        name: what people call it.
        argv: the command line.
        env: its whole environment.
        ready_url: answers 200 to GET once the process is ready.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports of the servers on 127.0.0.1; a free one where None."""

    kafka: int | None = None
    postgres: int | None = None
    smtp: int | None = None


class Stack:
    """Servers and processes over one data folder; a context manager that ends them all.

    Args:
        folder: Where data and logs live; reused by the next start.
        view: Shows each step.
        ports: Ports of the servers.
    """

    def __init__(self, folder: Path, *, view: StartupView, ports: Ports | None = None) -> None:
        ports = ports or Ports()
        self.folder = folder.absolute()
        self.kafka = EmbeddedKafka(self.folder / "kafka", port=ports.kafka, report=view.note)
        self.postgres = EmbeddedPostgres(self.folder / "postgres", port=ports.postgres, report=view.note)
        self.mail = SmtpSink(self.folder / "mail", port=ports.smtp)
        self._view = view
        self._children: list[Child] = []
        self._to_close = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start_servers(self, environment: Callable[[], Mapping[str, str]]) -> None:
        """Start the servers, make the topics and the schema.

        Args:
            environment: Of the provisioning commands; asked when the server in question has its address.

        Raises:
            ChildFailedError: A server or a provisioning command failed; the text quotes its log.
        """
        with ThreadPoolExecutor(3) as pool:
            kafka = pool.submit(self._start_server, "kafka", self.kafka, ("topics", "apply"), environment)
            postgres = pool.submit(self._start_server, "postgres", self.postgres, ("migrate",), environment)
            try:
                with self._view.step("mail"):
                    self._to_close.callback(self.mail.stop)
                    self.mail.start()
                postgres.result()
                kafka.result()
            except BaseException:
                self.close()  # whoever still waits for a server that starts sees it end
                raise

    def start_processes(self, processes: Sequence[Process]) -> None:
        """Start the processes side by side and wait until each is ready.

        Raises:
            ChildFailedError: One ended or was not ready within 60 s; the text quotes its log.
        """
        with ThreadPoolExecutor(max(1, len(processes))) as pool:
            children = [self._child(process.name, process.argv, process.env) for process in processes]
            waits = [pool.submit(self._wait_ready, *pair) for pair in zip(processes, children, strict=True)]
            try:
                for wait in waits:
                    wait.result()
            except BaseException:
                self.close()
                raise

    def watch(self, ended: threading.Event) -> None:
        """Wait until `ended` is set.

        Raises:
            ChildFailedError: A server or process ended by itself before that.
        """
        while not ended.wait(_WATCH_SECONDS):
            self.check()

    def check(self) -> None:
        """Raise `ChildFailedError` if a server or process has ended by itself."""
        for child in self._children:
            if child.exit_code is not None:
                raise child.failure(f"ended by itself with exit code {child.exit_code}")

    def close(self) -> None:
        """End everything in reverse order. Harmless when repeated."""
        self._children.clear()
        self._to_close.close()

    def _start_server(
        self,
        name: str,
        server: EmbeddedKafka | EmbeddedPostgres,
        provision: tuple[str, ...],
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        with self._view.step(name):
            self._to_close.callback(server.stop)
            server.start()
            if server.child is not None:
                self._children.append(server.child)
        with self._view.step(" ".join(provision)):
            command = self._child(" ".join(("cairn", *provision)), (CAIRN, *provision), environment(), watched=False)
            if command.wait(_COMMAND_SECONDS) != 0:
                raise command.failure("failed")

    def _child(self, name: str, argv: tuple[str, ...], env: Mapping[str, str], *, watched: bool = True) -> Child:
        log = self.folder / "logs" / f"{name.replace(' ', '-')}.log"
        child = Child(name, argv, log=log, env=env, grace_seconds=_GRACE_SECONDS)
        self._to_close.callback(child.stop)
        child.start()
        if watched:
            self._children.append(child)
        return child

    def _wait_ready(self, process: Process, child: Child) -> None:
        with self._view.step(process.name):
            child.wait_until(lambda: _answers_ok(process.ready_url), _READY_SECONDS)


def _answers_ok(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


__all__ = ["CAIRN", "ChildFailedError", "Ports", "Process", "Stack"]
