"""The stage: everything that a play needs on this machine, fresh each time.

Kafka, Postgres and the mail server keep nothing from one play to the next, so that every play
agrees with its own count. Kept are the broker's jars, in their cache, and the two files that
formatting makes, so that a second play need not format again.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agents.embedded.folder_lock import exclusive
from agents.embedded.ports import LOOPBACK, usable_port
from agents.stack import CAIRN, Process, Stack
from agents.up import defaults

PROCESSES = ("track", "deliver", "serve")
_FORMATTED = ("kafka/data/meta.properties", "kafka/data/bootstrap.checkpoint")


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """The folder, emptied and held against a second play while the block runs.

    Raises:
        FolderInUseError: another play uses it.
    """
    with exclusive(folder):
        formatted = [folder / name for name in _FORMATTED]
        kept = {folder / "lock", *(formatted if all(path.exists() for path in formatted) else ())}
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                with suppress(OSError):  # it holds something that is kept
                    path.rmdir()
            elif path not in kept:
                path.unlink()
        yield folder


def settings(folder: Path) -> dict[str, str]:
    """The environment of the play's commands, without the servers' addresses and the clock.

    Settings that the caller's own environment holds for another Cairn do not count here.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    folders = {"CAIRN_TENANTS_DIR": str(folder / "practice"), "CAIRN_SECRETS_DIR": str(folder / "practice-secrets")}
    return own | defaults(folder) | folders


def free_ports() -> dict[str, str]:
    """Where the processes will listen; asked for right before they start, so that nobody takes them first."""
    http_port = usable_port()
    return {
        "CAIRN_HTTP_PORT": str(http_port),
        "CAIRN_PUBLIC_URL": f"http://{LOOPBACK}:{http_port}",
        **{f"CAIRN_{name.upper()}_PROBE_PORT": str(usable_port()) for name in PROCESSES},
    }


def start_processes(stack: Stack, environment: Mapping[str, str]) -> None:
    """Start the three processes and wait until they are ready."""
    stack.start_processes(
        [
            Process(
                name=f"cairn {name}",
                argv=(CAIRN, name),
                env=environment,
                ready_url=f"{probe_url(environment, name)}/readyz",
            )
            for name in PROCESSES
        ]
    )


def probe_url(environment: Mapping[str, str], process: str) -> str:
    """Where a process answers probes and shows its metrics."""
    return f"http://{LOOPBACK}:{environment[f'CAIRN_{process.upper()}_PROBE_PORT']}"
