"""`cairn`: every command, its help and its exit status, a module for each subject."""

import sys

from agents.cli import brake, dead_letters, keys, processes, provisioning, rules
from agents.cli.app import EXIT_INVALID, app, err
from agents.ledger.opening import UNFIT
from agents.settings import SettingsError
from agents.tenants import TenantErrors

__all__ = ["brake", "dead_letters", "keys", "main", "processes", "provisioning", "rules"]


def main() -> None:
    """The entry point: wrong settings, tenants or schema become a clear text and status 2."""
    try:
        app()
    except (SettingsError, TenantErrors, *UNFIT) as error:
        err.print(str(error), markup=False, highlight=False)
        err.print("`cairn doctor` checks the whole environment; .env.example explains every setting.")
        sys.exit(EXIT_INVALID)
