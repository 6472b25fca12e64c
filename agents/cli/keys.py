"""API keys for the administration API: made once, listed without the key, revoked at once."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from agents.cli.app import EXIT_NO, err, group, out
from agents.cli.brake import ask
from agents.web import access

keys_app = group("keys", "API keys of the administration API.")


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Signs what is done with the key.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="The only tenant that it may touch; all without.")] = None,
) -> None:
    """Make a key and print it; it is shown this once."""
    out.print(ask(lambda pool, _: access.create_key(pool, name=name, tenant=tenant)), highlight=False, soft_wrap=True)


@keys_app.command("list")
def list_all() -> None:
    """All keys, without the keys themselves."""
    table = Table("id", "name", "tenant", "made", "revoked")
    for key in ask(lambda pool, _: access.list_keys(pool)):
        revoked = key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else ""
        made = key.created_at.isoformat(timespec="seconds")
        table.add_row(str(key.key_id), escape(key.name), key.tenant or "all", made, revoked)
    out.print(table)


@keys_app.command("revoke")
def revoke(key_id: int) -> None:
    """Revoke a key at once."""
    if not ask(lambda pool, _: access.revoke_key(pool, key_id)):
        err.print(f"Key {key_id} is not valid: `cairn keys list` shows all.", highlight=False)
        raise typer.Exit(EXIT_NO)
    out.print(f"Key {key_id} is revoked.", highlight=False)
