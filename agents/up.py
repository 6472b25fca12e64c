"""`cairn up`: all of Cairn on one machine, with embedded servers, for a look and for development.

Must never be taken for an installation: one broker, one copy of the data, on this machine's loopback.

Theory of operation: the environment is the user's own, over defaults made here, under the servers' addresses.
Keys are made at the first start and kept in the data folder. Where no tenants are named, an example practice
is written, with a source that any tool can call. Where the servers are and which keys were made goes to a file
that other terminals source. The first SIGINT or SIGTERM ends everything in order; further ones change nothing,
because every step of the end is bounded.
"""

import base64
import os
import secrets
import shlex
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from agents.embedded.folder_lock import FolderInUseError
from agents.embedded.jars import JarUnavailableError
from agents.embedded.ports import LOOPBACK, PortTakenError, usable_port
from agents.stack import CAIRN, ChildFailedError, Ports, Process, Stack
from agents.startup_view import StartupView

_PROCESSES = ("track", "deliver", "serve")
_EXIT_FAILED = 3
_TENANT = """\
name: Example Practice
timezone: UTC
sender: {from_name: Example Practice, from_address: hello@example.org}
sources:
  - {kind: standard_webhooks, name: app}
"""
_COACHES = """\
coaches:
  - {id: coach, name: Coach, email: coach@example.org}
"""


def run_up(folder: Path) -> int:
    """Start everything, stay until a signal, end everything; return the exit status."""
    console = Console()
    try:
        with stop_signals() as ended:
            view = StartupView(console)
            with Stack(folder, view=view, ports=_preferred_ports()) as stack:
                with view:
                    environment = start(stack)
                settings = _write_settings(stack, environment)
                _say_where(console, stack, environment, settings)
                stack.watch(ended)
    except KeyboardInterrupt:
        return 0
    except (ChildFailedError, FolderInUseError, JarUnavailableError, PortTakenError) as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        return _EXIT_FAILED
    return 0


def start(stack: Stack, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Start servers and the three processes.

    Args:
        stack: Where they start.
        own: Settings that go before the defaults made here. When None, this process's environment; when
            given, no other `CAIRN_*` of this process counts.

    Returns:
        The environment that the processes got.

    Raises:
        ChildFailedError: Something did not start; the text quotes its log.
    """
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    settings = {**foreign, **defaults(stack.folder), **(os.environ if own is None else own)}
    stack.start_servers(lambda: {**settings, **addresses(stack)})
    environment = {**settings, **addresses(stack)}
    stack.start_processes([_process(name, environment) for name in _PROCESSES])
    return environment


def addresses(stack: Stack) -> dict[str, str]:
    """The settings that say where the servers of this stack are; those that have started."""
    database = {"CAIRN_DATABASE_URL": stack.postgres.dsn} if stack.postgres.port else {}
    return {
        **database,
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": stack.kafka.bootstrap_servers,
        "CAIRN_SMTP_HOST": stack.mail.host,
        "CAIRN_SMTP_PORT": str(stack.mail.port),
        "CAIRN_SMTP_TLS": "off",
    }


def defaults(folder: Path) -> dict[str, str]:
    """Settings for one machine; makes keys and an example tenant below the folder at the first call."""
    _write_example(folder)
    http_port = str(_preferred(8080))
    return {
        "CAIRN_PARTITIONS": "8",
        "CAIRN_REPLICATION_FACTOR": "1",
        "CAIRN_MIN_INSYNC_REPLICAS": "1",
        "CAIRN_TENANTS_DIR": str(folder / "tenants"),
        "CAIRN_SECRETS_DIR": str(folder / "secrets"),
        "CAIRN_SPOOL_DIR": str(folder / "spool"),
        "CAIRN_LINK_KEY": _kept_secret(folder / "keys" / "link"),
        "CAIRN_IDENTITY_KEY": _kept_secret(folder / "keys" / "identity"),
        "CAIRN_HTTP_PORT": http_port,
        "CAIRN_PUBLIC_URL": f"http://{LOOPBACK}:{http_port}",
        **{f"CAIRN_{name.upper()}_PROBE_PORT": str(_preferred(9101 + n)) for n, name in enumerate(_PROCESSES)},
    }


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Turn the first SIGINT or SIGTERM into KeyboardInterrupt and the yielded event; ignore further ones."""
    ended = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if not ended.is_set():
            ended.set()
            raise KeyboardInterrupt

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _process(name: str, environment: Mapping[str, str]) -> Process:
    port = environment[f"CAIRN_{name.upper()}_PROBE_PORT"]
    return Process(
        name=f"cairn {name}",
        argv=(CAIRN, name),
        env=environment,
        ready_url=f"http://{LOOPBACK}:{port}/readyz",
    )


def _write_settings(stack: Stack, environment: Mapping[str, str]) -> Path:
    """A file for a shell, of this start; only its owner may read it, because it holds keys.

    It has the settings that are made here, as they are in force; what only the user's own environment names
    stays out of it, because that may be a secret which is kept elsewhere.
    """
    path = stack.folder / "cairn.env"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    names = sorted(defaults(stack.folder) | addresses(stack))
    path.write_text("".join(f"export {name}={shlex.quote(environment[name])}\n" for name in names))
    return path


def _say_where(console: Console, stack: Stack, environment: Mapping[str, str], settings: Path) -> None:
    lines = {
        "hooks, inbox": environment["CAIRN_PUBLIC_URL"],
        "metrics": " ".join(
            f"http://{LOOPBACK}:{environment[f'CAIRN_{name.upper()}_PROBE_PORT']}/metrics" for name in _PROCESSES
        ),
        "Kafka": stack.kafka.bootstrap_servers,
        "Postgres": stack.postgres.dsn,
        "mails": str(stack.folder / "mail"),
        "tenants": environment["CAIRN_TENANTS_DIR"],
        "logs": str(stack.folder / "logs"),
        "settings": f". {shlex.quote(str(settings))}   # in a terminal where other commands are to talk to it",
    }
    for name, value in lines.items():
        console.print(f"{name:>13}  {value}", markup=False, highlight=False, soft_wrap=True)
    console.print("Cairn is up. Ctrl-C ends it.")


def _preferred_ports() -> Ports:
    return Ports(kafka=_preferred(9092), postgres=_preferred(5432), smtp=_preferred(1025))


def _preferred(port: int) -> int:
    """The port that people expect, or a free one when somebody has it."""
    try:
        return usable_port(port)
    except PortTakenError:
        return usable_port()


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def _write_example(folder: Path) -> None:
    tenant, keys = folder / "tenants" / "example", folder / "secrets" / "example"
    if tenant.exists():
        return
    tenant.mkdir(parents=True)
    (tenant / "coaches.yaml").write_text(_COACHES)
    (tenant / "tenant.yaml").write_text(_TENANT)
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    (keys / "app.path").write_text(secrets.token_hex(24))
    (keys / "app.key").write_text("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
