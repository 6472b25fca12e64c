"""Children end with their parent, say why they failed, and are never waited for without a bound."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from agents.embedded.child import Child, ChildFailedError

_FOREVER = "import time\nwhile True: time.sleep(60)"
_READY = "print('ready', flush=True)\n"
_DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _READY


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def says_ready(log: Path) -> Callable[[], bool]:
    return lambda: log.exists() and "ready" in log.read_text()


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@contextmanager
def newcomers() -> Iterator[list[psutil.Process]]:
    """Those who are descendants of ours after the block and were not before: servers of the session may run."""
    before, found = set(descendants(os.getpid())), list[psutil.Process]()
    yield found
    found += [process for process in descendants(os.getpid()) if process not in before]


def assert_all_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive


def start_parent(log: Path, *, thread: bool) -> subprocess.Popen[bytes]:
    """A process of its own that has one child, and says so."""
    begin = "t = threading.Thread(target=child.start); t.start(); t.join()" if thread else "child.start()"
    script = f"""
import sys, threading, time
from pathlib import Path
from agents.embedded.child import Child
log = Path({str(log)!r})
child = Child("sleeper", [sys.executable, "-c", {_READY + _FOREVER!r}], log=log)
{begin}
child.wait_until(lambda: "ready" in log.read_text(), 20)
print("up", flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen(python(script), stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    return parent


@pytest.mark.parametrize("thread", [False, True], ids=["from the main thread", "from a thread that has ended"])
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path, thread: bool) -> None:
    with start_parent(tmp_path / "log", thread=thread) as parent:
        family = descendants(parent.pid)
        assert len(family) == 2, "the guard and the command"
        parent.kill()
    assert_all_end(family)


def test_a_child_dies_with_a_guard_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child("sleeper", python(_READY + _FOREVER), log=log)
    with newcomers() as family:
        child.start()
        child.wait_until(says_ready(log), 20)
    guard, command = family
    guard.kill()
    assert_all_end([command])
    assert child.stop() == -signal.SIGKILL


def test_an_interrupt_of_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    with start_parent(tmp_path / "log", thread=False) as parent:
        family = descendants(parent.pid)
        assert {os.getsid(process.pid) for process in family}.isdisjoint({os.getsid(parent.pid)})
        parent.kill()
    assert_all_end(family)


def test_a_stop_is_an_orderly_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    orderly = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    child = Child("polite", python(orderly + _READY + _FOREVER), log=log)
    child.start()
    child.wait_until(says_ready(log), 20)
    assert child.exit_code is None
    assert child.stop() == 7
    assert child.stop() == 7, "a second stop is harmless"


def test_a_child_that_ignores_the_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child("deaf", python(_DEAF + _FOREVER), log=log, grace_seconds=0.2)
    child.start()
    child.wait_until(says_ready(log), 20)
    assert child.stop() == 128 + signal.SIGKILL


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {_DEAF + _FOREVER!r}])\n"
    child = Child("ancestor", python(script + _FOREVER), log=log, grace_seconds=0.2)
    with newcomers() as family:
        child.start()
        child.wait_until(says_ready(log), 20)
    assert len(family) == 3, "the guard, the command, and what it started"
    child.stop()
    assert_all_end(family)


def test_a_child_that_ends_before_it_is_ready_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = Child("broken", python("print('no such folder'); raise SystemExit(3)"), log=tmp_path / "log")
    child.start()
    with pytest.raises(ChildFailedError, match=r"(?s)broken ended with exit code 3.*no such folder"):
        child.wait_until(lambda: False, 20)


def test_a_child_that_is_never_ready_is_stopped_and_reported(tmp_path: Path) -> None:
    child = Child("slow", python(_FOREVER), log=tmp_path / "log")
    child.start()
    with pytest.raises(ChildFailedError, match="slow was not ready within 0 s"):
        child.wait_until(lambda: False, 0)
    assert child.exit_code is not None


def test_a_command_that_ends_by_itself_is_waited_for_within_a_bound(tmp_path: Path) -> None:
    quick = Child("quick", python("raise SystemExit(5)"), log=tmp_path / "quick.log")
    quick.start()
    assert quick.wait(20) == 5
    endless = Child("endless", python(_FOREVER), log=tmp_path / "endless.log")
    endless.start()
    with pytest.raises(ChildFailedError, match="endless did not end within 0 s"):
        endless.wait(0)
    assert endless.exit_code is not None


def test_the_log_of_the_start_before_is_kept_beside(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = Child("speaker", python(f"print({word!r})"), log=tmp_path / "log")
        child.start()
        child.wait(20)
    assert child.tail() == "second"
    assert (tmp_path / "log.1").read_text() == "first\n"


def test_a_command_that_cannot_be_run_says_so(tmp_path: Path) -> None:
    child = Child("absent", [str(tmp_path / "absent")], log=tmp_path / "log")
    child.start()
    assert child.wait(20) == 126
    assert child.tail() == f"{tmp_path / 'absent'} cannot be run: No such file or directory"
