"""The command that shows every message to the eye."""

from pathlib import Path
from typing import Annotated

import typer

from agents.cli.app import EXIT_INVALID, app, err, out


@app.command()
def preview(
    tenants_dir: Annotated[
        Path | None, typer.Option(envvar="CAIRN_TENANTS_DIR", help="Practices whose own words are shown as well.")
    ] = None,
    to: Annotated[Path, typer.Option("--out", help="The folder to write; open index.html in it.")] = Path(
        "build/preview"
    ),
) -> None:
    """Write every message for sample clients as pages to look at; status 2 if a word file is broken."""
    from agents.channels.render import Renderer
    from agents.preview.gallery import write_gallery
    from agents.tenants import load_tenants

    renderer = Renderer()
    tenants = load_tenants(tenants_dir) if tenants_dir else {}
    broken = [*renderer.check(), *(line for tenant in tenants.values() for line in renderer.check(tenant))]
    write_gallery(tenants, to, renderer)
    out.print(f"{to / 'index.html'}", highlight=False, soft_wrap=True)
    for line in broken:
        err.print(line, markup=False, highlight=False, soft_wrap=True)
    if broken:
        raise typer.Exit(EXIT_INVALID)
