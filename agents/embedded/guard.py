"""Runs one command and takes it down when whoever started it goes away, however it went away.

Must import nothing but the standard library: it runs as a script, isolated from site-packages, so that it
starts in milliseconds and survives a broken environment.

Theory of operation: the parent holds the write end of this process's standard input and never writes to it.
The end of that stream therefore means "the parent asked for a stop" or "the parent is dead, even by SIGKILL";
both are answered alike: the stop signal, a bounded wait, then SIGKILL for the command's whole session. Should
this process itself be killed, the kernel kills the command (PR_SET_PDEATHSIG in prctl(2); it follows the
thread that forked, which is why a parent with many threads does not set it itself). The command has a session
of its own, so Ctrl-C in a terminal reaches only the parent, which then stops its children in order.

Usage: guard.py STOP_SIGNAL GRACE_SECONDS COMMAND...
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 126  # as shells say it


def _die_with_guard() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_end_or_orphaning(child: subprocess.Popen[bytes]) -> None:
    pidfd = os.pidfd_open(child.pid)
    try:
        while True:
            readable, _, _ = select.select([0, pidfd], [], [])
            if pidfd in readable or not os.read(0, 1024):
                return
    finally:
        os.close(pidfd)


def run(stop_signal: int, grace_seconds: float, command: list[str]) -> int:
    """Run the command until it ends or standard input does; return its exit code (128 + n for signal n)."""
    try:
        child = subprocess.Popen(  # noqa: S603 - the parent's own command line
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_guard,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        return _CANNOT_RUN
    _wait_for_end_or_orphaning(child)
    if child.poll() is None:
        child.send_signal(stop_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.exit(run(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
