"""`cairn`: every command, its help and its exit status, a module for each subject.

Only the subject that was asked for is imported, since a person waits for the import of all others; without one, as
for the help of `cairn` itself, all are.
"""

import sys
from importlib import import_module
from types import MappingProxyType
from typing import Final

import typer

SUBJECTS: Final = MappingProxyType(
    {
        "approvals": "approvals",
        "audit": "audit",
        "suppress": "brake",
        "unsuppress": "brake",
        "pause": "brake",
        "resume": "brake",
        "held": "brake",
        "tasks": "brake",
        "clients": "clients",
        "connect": "connecting",
        "dlq": "dead_letters",
        "deliveries": "deliveries",
        "gifts": "gifts",
        "amnesty": "history",
        "import": "importing",
        "keys": "keys",
        "ledger": "ledger",
        "log": "log_export",
        "outcomes": "outcomes",
        "preview": "preview",
        "up": "processes",
        "track": "processes",
        "deliver": "processes",
        "serve": "processes",
        "version": "processes",
        "topics": "provisioning",
        "migrate": "provisioning",
        "doctor": "provisioning",
        "rules": "rules",
        "replay": "rules",
        "backtest": "rules",
        "secrets": "secrets",
        "sources": "sources",
        "state": "state",
        "why": "why",
    }
)
"""The module of each command or group of commands."""


def load(command: str | None = None) -> typer.Typer:
    """The application with that command, or with every one if there is none of that name."""
    own = SUBJECTS.get(command or "")
    for subject in [own] if own else dict.fromkeys(SUBJECTS.values()):
        import_module(f"agents.cli.{subject}")
    from agents.cli.app import app

    return app


def main() -> None:
    """The entry point: wrong settings, tenants, topics or schema become a clear text and status 2."""
    try:
        load(sys.argv[1] if sys.argv[1:] else None)()
    except Exception as error:
        from agents.cli.failing import explain

        status = explain(error)
        if status is None:
            raise
        sys.exit(status)
