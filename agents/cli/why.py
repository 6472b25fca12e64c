"""The command that tells what became of everything a client reached: `cairn why`."""

import sys
from dataclasses import asdict
from typing import Annotated

import msgspec
import typer

from agents.cli.app import EXIT_INVALID, EXIT_NO, app, begin, err, opened_ledger, out, run
from agents.ledger.story import NEWEST, Story, read_story
from agents.settings import WhySettings
from agents.tenants import tenant_folders, unknown_tenant
from agents.why_view import nothing_found, printable, story_tree
from schemas.text import Identifier

_CONNECTIONS = 1
_ADDRESS = " An address is no id: `cairn clients find EMAIL --tenant T` prints the client's."


@app.command()
def why(
    client: Annotated[str, typer.Argument(help="The client's id, or TENANT/CLIENT.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="The client's tenant.")] = None,
    milestone: Annotated[str | None, typer.Option(help="Only this milestone, by its id.")] = None,
    last: Annotated[int, typer.Option(help="At most so many milestones.", min=1, max=10_000)] = NEWEST,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a tree.")] = False,
) -> None:
    """Tell the story of a client's milestones: what was sent, what was not, and why."""
    settings = begin("cli", WhySettings, logs=sys.stderr)
    named, slash, own = client.partition("/")
    of_tenant, who = (named, own) if slash else (tenant, client)
    if not of_tenant or (slash and tenant not in (None, named)):
        err.print("Name the client's tenant once: --tenant T, or TENANT/CLIENT.", markup=False, highlight=False)
        raise typer.Exit(EXIT_INVALID)

    if not (_is_id(of_tenant) and _is_id(who)):
        err.print("A tenant's or client's id has 1 to 128 characters, none of them a space or /.", markup=False)
        raise typer.Exit(EXIT_INVALID)

    async def read() -> Story:
        async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
            return await read_story(pool, of_tenant, who, milestone=milestone, last=last)

    story = run(read())
    if as_json:
        out.out(msgspec.json.encode(asdict(story)).decode(), highlight=False)
    elif story.milestones or story.suppressions:
        out.print(story_tree(story))
    if not story.milestones:
        folder = settings.tenants_dir
        correction = unknown_tenant(tenant_folders(folder), of_tenant) if folder else None
        text = nothing_found(story, milestone and printable(milestone), correction)
        err.print(text + (_ADDRESS if "@" in who else ""), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_NO)


def _is_id(text: str) -> bool:
    try:
        msgspec.convert(text, Identifier)
    except msgspec.ValidationError:
        return False
    return text.isprintable()
