"""What a command says when it cannot go on, and its exit status; imported when that happens."""

import errno
import os
import sys
from contextlib import suppress

from aiokafka.errors import KafkaError

from agents.cli.app import EXIT_FAILED, EXIT_INVALID, err
from agents.cluster_facts import TopicMissingError
from agents.ledger.opening import UNFIT, DatabaseAway
from agents.secret_files import SecretRefused, SecretUnreadable
from agents.settings import SettingsError
from agents.tenants import TenantErrors

_INVALID = (SettingsError, SecretRefused, SecretUnreadable, TenantErrors, TopicMissingError, *UNFIT)
_FILES = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


def explain(error: Exception) -> int | None:
    """Say what is wrong and what to do; the exit status, or None for an error that is ours."""
    if isinstance(error, _INVALID):
        err.print(str(error), markup=False, highlight=False)
        err.print("`cairn doctor` checks the whole environment; .env.example explains every setting.")
        return EXIT_INVALID
    if isinstance(error, _FILES):
        err.print(f"A file cannot be used: {error}", markup=False, highlight=False)
        return EXIT_INVALID
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _give_up_output()
        err.print("No space is left where this is written to: a part of it may be missing.")
        return EXIT_FAILED
    if isinstance(error, DatabaseAway):
        err.print(f"{error}.", markup=False, highlight=False, soft_wrap=True)
        return EXIT_FAILED
    if isinstance(error, KafkaError):
        err.print(f"Kafka does not answer as it should: {error}", markup=False, highlight=False)
        err.print("`cairn doctor` checks the connection; nothing that Kafka acknowledged is lost.")
        return EXIT_FAILED
    return None


def _give_up_output() -> None:
    """What standard output still holds goes nowhere: the interpreter would fail to write it once more at its end."""
    with suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
