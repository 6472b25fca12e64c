"""A child process that cannot outlive this one, with its log, its exit code and a bounded wait.

Must never leave a process behind, wait without a bound, or fail without quoting the child's last words.

Theory of operation: the command runs under `guard.py`, which reads our end of a pipe. Closing the pipe is the
one way to stop a child; the kernel closes it for us when we are killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
_POLL_SECONDS = 0.05
_TAIL_BYTES = 16_384


class ChildFailedError(RuntimeError):
    """A child did not start, did not become ready in time, or ended by itself; the text quotes its log."""


class Child:
    """One guarded command.

    Args:
        name: What people call it, in errors.
        argv: The command line; the first element is a path or a name on PATH.
        log: File for its standard output and error; the previous one is kept as `<log>.1`.
        env: The whole environment of the child; ours when None.
        stop_signal: What asks it to end in order.
        grace_seconds: How long it may take to, before SIGKILL.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 10.0,
    ) -> None:
        self.name = name
        self._argv = tuple(argv)
        self._log = log
        self._env = env
        self._stop_signal = stop_signal
        self._grace_seconds = grace_seconds
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def exit_code(self) -> int | None:
        """The exit code (128 + n for signal n); None while it runs or before it was started."""
        return None if self._guard is None else self._guard.poll()

    def start(self, *, inherit: tuple[int, ...] = ()) -> None:
        """Start the command.

        Args:
            inherit: Descriptors that stay open for as long as the guard lives, such as a folder's lock.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists():
            self._log.replace(self._log.with_name(f"{self._log.name}.1"))
        guard = [
            sys.executable,
            "-I",
            "-S",
            str(_GUARD),
            str(int(self._stop_signal)),
            str(self._grace_seconds),
        ]
        with self._log.open("wb") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - a command line of this project
                [*guard, *self._argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self._env is None else dict(self._env),
                pass_fds=inherit,
                start_new_session=True,
            )

    def ask_to_stop(self) -> None:
        """Ask the child to end without waiting for it, so that several may end side by side."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()

    def stop(self) -> int | None:
        """End the child in order, by force after its grace; return its exit code. Harmless after its end."""
        self.ask_to_stop()
        if self._guard is None:
            return None
        return self._guard.wait(self._grace_seconds + 10.0)

    def wait(self, timeout_seconds: float) -> int:
        """Wait for a command that ends by itself; return its exit code.

        Raises:
            ChildFailedError: It still runs after `timeout_seconds`; it was stopped.
        """
        code: int | None = None

        def has_ended() -> bool:
            nonlocal code
            code = self.exit_code
            return code is not None

        _poll(has_ended, timeout_seconds)
        if code is None:
            self.stop()
            raise self.failure(f"did not end within {timeout_seconds:.0f} s")
        return code

    def wait_until(self, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait until `is_ready()` holds.

        Raises:
            ChildFailedError: The child ended, or was not ready in time; in both cases it is stopped.
        """
        ready = False

        def is_settled() -> bool:
            nonlocal ready
            ready = is_ready()
            return ready or self.exit_code is not None

        _poll(is_settled, timeout_seconds)
        if ready:
            return
        code = self.exit_code
        self.stop()
        raise self.failure(
            f"was not ready within {timeout_seconds:.0f} s" if code is None else f"ended with exit code {code}"
        )

    def failure(self, what: str) -> ChildFailedError:
        """An error that says what happened to the child and quotes the last lines of its log."""
        return ChildFailedError(f"{self.name} {what}. Last lines of {self._log}:\n{self.tail()}")

    def tail(self, lines: int = 20) -> str:
        """The last lines of the child's log, or a placeholder when there are none."""
        if not self._log.exists():
            return "(no log)"
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


def _poll(is_settled: Callable[[], bool], timeout_seconds: float) -> bool:
    give_up_at = time.monotonic() + timeout_seconds
    while not is_settled():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_POLL_SECONDS)
    return True
