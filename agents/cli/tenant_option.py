"""The option `--tenant`, and the tenants that a command is then about."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from agents.tenants import Tenant, load_tenants, tenant_folders, unknown_tenant

AnyTenant = Annotated[str | None, typer.Option(help="Only this tenant.")]


def tenants_asked(folder: Path, tenant: str | None) -> dict[str, Tenant]:
    """The one that is named, or all: of the one its files alone are read, so that no fault in others' is in its way.

    Raises:
        typer.BadParameter: no tenant has this name.
        TenantErrors: files that do not hold up.
    """
    refuse_unknown(tenant_folders(folder), tenant)
    return load_tenants(folder, only=tenant)


def refuse_unknown(known: Collection[str], tenant: str | None, *, hint: str = "--tenant") -> None:
    """Raise typer.BadParameter, with the nearest name, where a tenant is named and is none of those known."""
    if tenant is not None and (correction := unknown_tenant(known, tenant)):
        raise typer.BadParameter(correction, param_hint=hint)
