"""`cairn`: every command, its help and its exit status, a module for each subject."""

import sys

from aiokafka.errors import KafkaError

from agents.cli import (
    approvals,
    audit,
    brake,
    clients,
    connecting,
    dead_letters,
    deliveries,
    gifts,
    history,
    importing,
    keys,
    log_export,
    outcomes,
    preview,
    processes,
    provisioning,
    rules,
    secrets,
    sources,
    state,
    why,
)
from agents.cli.app import EXIT_FAILED, EXIT_INVALID, app, err
from agents.cluster_facts import TopicMissingError
from agents.ledger.opening import UNFIT, DatabaseAway
from agents.secret_files import SecretRefused
from agents.settings import SettingsError
from agents.tenants import TenantErrors

__all__ = [
    "approvals",
    "audit",
    "brake",
    "clients",
    "connecting",
    "dead_letters",
    "deliveries",
    "gifts",
    "history",
    "importing",
    "keys",
    "log_export",
    "main",
    "outcomes",
    "preview",
    "processes",
    "provisioning",
    "rules",
    "secrets",
    "sources",
    "state",
    "why",
]


def main() -> None:
    """The entry point: wrong settings, tenants, topics or schema become a clear text and status 2."""
    try:
        app()
    except (SettingsError, SecretRefused, TenantErrors, TopicMissingError, *UNFIT) as error:
        err.print(str(error), markup=False, highlight=False)
        err.print("`cairn doctor` checks the whole environment; .env.example explains every setting.")
        sys.exit(EXIT_INVALID)
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        err.print(f"A file cannot be used: {error}", markup=False, highlight=False)
        sys.exit(EXIT_INVALID)
    except DatabaseAway as error:
        err.print(f"{error}.", markup=False, highlight=False, soft_wrap=True)
        sys.exit(EXIT_FAILED)
    except KafkaError as error:
        err.print(f"Kafka does not answer as it should: {error}", markup=False, highlight=False)
        err.print("`cairn doctor` checks the connection; nothing that Kafka acknowledged is lost.")
        sys.exit(EXIT_FAILED)
