"""The command line's frame: the application, its settings and its exit statuses.

Exit status: 0 done, 1 the answer is no (a check failed, something was not found), 2 the
input or the environment is wrong (every error is printed at once), 3 something that it
needs failed for good, or does not answer.
"""

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.metadata import version as installed
from typing import Any, TextIO, TypeVar

import typer
import uvloop
from rich.console import Console

from agents import log, reset_connections
from agents.ledger.opening import open_ledger
from agents.ledger.pool import Pool
from agents.settings import Settings, read

EXIT_NO = 1
EXIT_INVALID = 2
EXIT_FAILED = 3
_PATIENCE_SECONDS = 10.0

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
out = Console()
err = Console(stderr=True)
T = TypeVar("T")
S = TypeVar("S", bound=Settings)


@app.callback()
def _cairn() -> None:
    """Notices every milestone that a coaching client reaches, and answers it within seconds."""


def group(name: str, meaning: str) -> typer.Typer:
    """A group of commands, as in `cairn topics apply`."""
    commands = typer.Typer(help=meaning, no_args_is_help=True)
    app.add_typer(commands, name=name)
    return commands


def as_utc(at: datetime) -> datetime:
    """An instant from the command line; without an offset it is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end on uvloop."""
    return uvloop.run(work)


def opened_ledger(dsn: str, *, max_connections: int) -> AbstractAsyncContextManager[Pool]:
    """The ledger for one command; `DatabaseAway` when it is away for longer than a person waits."""
    return open_ledger(dsn, max_connections=max_connections, patience_seconds=_PATIENCE_SECONDS)


def begin(process: str, kind: type[S], *, logs: TextIO | None = None) -> S:
    """Read a process's settings and set up its logs.

    Args:
        process: what the logs call it.
        kind: the settings that it needs.
        logs: where they go; a command whose standard output is data gives standard error.

    Raises:
        SettingsError: the environment is not valid.
    """
    from agents.metrics import BUILD_INFO

    settings = read(kind)
    reset_connections.install()
    BUILD_INFO.labels(installed("cairn")).set(1)
    log.configure(process=process, level=settings.log_level, readable=settings.log_format == "readable", stream=logs)
    return settings
