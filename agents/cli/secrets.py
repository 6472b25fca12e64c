"""Secrets of tenants: put where the processes find them, sealed, two valid while one takes over from the other."""

import sys
from typing import Annotated, Final

import typer
from cryptography.fernet import Fernet
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_INVALID, EXIT_NO, begin, err, group, out
from agents.cli.tenant_option import refuse_unknown
from agents.secret_files import SecretFiles
from agents.settings import SecretSettings, read
from agents.tenants import TenantErrors, load_tenant, tenant_folders

_PARTS: Final = frozenset({"path", "key", "token", "client_id", "client_secret"})
"""What may follow a source's name."""

NAMES_OF_A_TENANT: Final = frozenset(
    [
        "inbox_key",
        "sms.token",
        "slack.webhook",
        "slack.token",
        "gift.key",
        "gift.hook_key",
        "mailgun.hook_key",
        "sendgrid.hook_key",
        "events.hook_key",
    ]
)
"""What is no source's: of the inbox, of channels, and of providers that tell what became of a message."""

secrets_app = group("secrets", "What tenants authenticate with; no value is ever printed.")
Of = Annotated[str, typer.Argument(metavar="TENANT", help="Whose it is.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As docs/connect.md names it: acuity.key.")]


@secrets_app.command("key")
def make_key() -> None:
    """Print a new key for CAIRN_SECRETS_KEY: set it before the one in use, `cairn secrets seal`, drop the old one."""
    typer.echo(Fernet.generate_key().decode())


@secrets_app.command("put")
def put(
    tenant: Of,
    name: Name,
    *,
    beside_all: Annotated[bool, typer.Option("--beside-all", help="Several people's, as Acuity's API keys.")] = False,
) -> None:
    """Make a value valid, beside the one that was: asked for at the terminal, or the first line of standard input."""
    files = _files(tenant)
    value = typer.prompt(f"{tenant}/{name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    value = value.strip()
    if not value:
        err.print("There is no value on standard input.", highlight=False)
        raise typer.Exit(EXIT_INVALID)
    files.put(tenant, name, value, beside_all=beside_all)
    _warn_if_nobody_reads(tenant, name)
    valid = len(files.values(tenant, name))
    again = "" if valid == 1 else "; the one before holds too, until `cairn secrets retire`"
    out.print(f"{escape(name)} of {escape(tenant)} is in place{again}.", highlight=False)


@secrets_app.command("retire")
def retire(tenant: Of, name: Name) -> None:
    """Leave the newest value alone valid, once the other side uses it."""
    if not _files(tenant).retire(tenant, name):
        err.print(f"{escape(name)} of {escape(tenant)} has no older value.", highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(f"Only the newest value of {escape(name)} of {escape(tenant)} is valid now.", highlight=False)


@secrets_app.command("list")
def list_all(tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]")] = None) -> None:
    """Which secrets there are, how many values of each are valid, and whether they are sealed."""
    table = Table("tenant", "name", "valid", "on the disk")
    kept = list(_files(tenant).list_all(tenant))
    for one in kept:
        state = "plain" if one.plain else "sealed"
        if one.unreadable:
            state = "cannot be read" if one.refusal else "no key opens it"
        table.add_row(escape(one.tenant), escape(one.name), str(one.values), state)
    out.print(table)
    for one in kept:
        if one.refusal:
            err.print(f"{one.refusal}.", markup=False, highlight=False, soft_wrap=True)
    if any(one.unreadable for one in kept):
        raise typer.Exit(EXIT_NO)


@secrets_app.command("seal")
def seal() -> None:
    """Seal every secret under the first key of CAIRN_SECRETS_KEY, also what another of its keys sealed."""
    settings = begin("cli", SecretSettings, logs=sys.stderr)
    if settings.secrets_key is None:
        err.print("CAIRN_SECRETS_KEY is not set: `cairn secrets key` makes one.", highlight=False)
        raise typer.Exit(EXIT_INVALID)
    files = settings.secret_files
    failed = [one for one in list(files.list_all()) if one.refusal or not files.seal(one.tenant, one.name)]
    for one in failed:
        cause = one.refusal or f"no key of CAIRN_SECRETS_KEY opens {one.name} of {one.tenant}"
        err.print(f"{cause}.", markup=False, highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(EXIT_NO)
    out.print("Every secret is sealed.", highlight=False)


def _warn_if_nobody_reads(tenant: str, name: str) -> None:
    """A name with a slip would lie there, and what needs it would stay off."""
    try:
        found = load_tenant(read(SecretSettings).tenants_dir / tenant)
    except TenantErrors:
        return  # what the tenant needs is not known
    of, _, part = name.rpartition(".")
    if name not in NAMES_OF_A_TENANT and not (part in _PARTS and of in {source.name for source in found.sources}):
        text = f"No source or account in tenant.yaml of {tenant} reads {name}: docs/connect.md names what each needs."
        err.print(text, markup=False, highlight=False, soft_wrap=True)


def _files(tenant: str | None) -> SecretFiles:
    settings = begin("cli", SecretSettings, logs=sys.stderr)
    refuse_unknown(tenant_folders(settings.tenants_dir), tenant, hint="TENANT")
    return settings.secret_files
