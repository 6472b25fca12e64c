"""Servers and processes go up together, are watched, and all end: in order, by failure, by signal."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from agents.embedded.child import ChildFailedError
from agents.embedded.ports import LOOPBACK, usable_port
from agents.stack import Process, Stack
from agents.startup_view import StartupView

_READY = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404); self.end_headers()
    def do_POST(self):
        print("told to go", flush=True); import os; os._exit(9)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


def service(name: str, *, script: str = _READY, path: str = "/readyz") -> Process:
    port = usable_port()
    return Process(
        name=name,
        argv=(sys.executable, "-c", script, str(port)),
        env=dict(os.environ),
        ready_url=f"http://{LOOPBACK}:{port}{path}",
    )


def tell_to_go(process: Process) -> None:
    connection = http.client.HTTPConnection(process.ready_url.split("/")[2], timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/")
        connection.getresponse()
    connection.close()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, view=StartupView(Console(quiet=True))) as stack:
        yield stack
    assert not family(tmp_path)


def family(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                found.append(process)
    return found


def test_processes_are_up_when_they_say_so_and_end_in_reverse_order(stack: Stack, tmp_path: Path) -> None:
    note = "import atexit, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
    ends = tmp_path / "ends"
    names = ("first", "second")
    stack.start_processes(
        [
            service(
                name,
                script=f"{note}atexit.register(lambda: open({str(ends)!r}, 'a').write('{name} '))\n{_READY}",
            )
            for name in names
        ]
    )
    stack.check()
    stack.close()
    assert ends.read_text() == "second first "


def test_a_process_that_is_not_ready_but_ends_is_named_with_its_last_words(stack: Stack) -> None:
    with pytest.raises(ChildFailedError, match=r"(?s)clumsy ended with exit code 4.*stumbled"):
        stack.start_processes([service("fine"), service("clumsy", script="print('stumbled'); raise SystemExit(4)")])


def test_a_process_that_ends_by_itself_ends_the_watch(stack: Stack) -> None:
    process = service("mortal")
    stack.start_processes([process])
    tell_to_go(process)
    with pytest.raises(ChildFailedError, match=r"(?s)mortal ended by itself with exit code 9.*told to go"):
        stack.watch(threading.Event())


def test_a_wish_to_end_ends_the_watch(stack: Stack) -> None:
    stack.start_processes([service("immortal")])
    ended = threading.Event()
    ended.set()
    stack.watch(ended)


@pytest.mark.broker
@pytest.mark.database
def test_servers_start_provisioned_and_leave_nothing_behind(stack: Stack, tmp_path: Path) -> None:
    from agents.up import addresses, defaults

    stack.start_servers(lambda: {**os.environ, **defaults(tmp_path), **addresses(stack)})
    stack.check()
    logs = (tmp_path / "logs" / "cairn-topics-apply.log").read_text()
    assert "+ coaching.milestones.v1  8 partitions, replication 1" in logs
    assert "The schema is current." in (tmp_path / "logs" / "cairn-migrate.log").read_text()
    stack.kafka.child.ask_to_stop()  # type: ignore[union-attr] # it has just been started
    with pytest.raises(ChildFailedError, match="Kafka ended by itself"):
        stack.watch(threading.Event())


_UP = """
import sys
from pathlib import Path
from agents.stack import Stack
from agents.startup_view import StartupView
from agents.up import stop_signals
with stop_signals() as ended, Stack(Path(sys.argv[1]), view=StartupView()) as stack:
    print("begun", flush=True)
    stack.start_servers(lambda: {})
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_in_the_middle_of_a_start_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", _UP, str(tmp_path)], stdout=subprocess.PIPE) as up:
        assert up.stdout is not None
        assert up.stdout.readline() == b"begun\n"
        while not (started := psutil.Process(up.pid).children(recursive=True)):
            continue  # until the first child is there
        up.send_signal(number)
    _, alive = psutil.wait_procs([*started, *family(tmp_path)], timeout=20)
    assert not alive
