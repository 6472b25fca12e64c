"""The commands that prepare and examine what Cairn stands on: topics, schema, environment."""

import asyncio
from typing import Annotated

import typer

from agents.cli.app import EXIT_NO, app, begin, err, group, out, run
from agents.settings import DatabaseSettings, KafkaSettings

topics_app = group("topics", "Topics as code.")


@topics_app.command("apply")
def topics_apply(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the difference.")] = False
) -> None:
    """Create and configure the topics; shows the difference first, changes no partition count."""
    from agents import topics

    settings = begin("topics", KafkaSettings)
    differences = run(topics.compare(settings))
    for difference in differences:
        out.print(topics.describe(difference, settings), markup=False, highlight=False)
    if dry_run:
        raise typer.Exit(0 if all(d.is_empty for d in differences) else EXIT_NO)
    try:
        run(topics.apply(settings, differences))
    except topics.TopicsRefusedError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(EXIT_NO) from None


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from agents.ledger.migrate import migrate as apply_migrations

    settings = begin("migrate", DatabaseSettings)
    run(apply_migrations(settings.database_url.get_secret_value()))
    out.print("The schema is current.")


@app.command()
def doctor() -> None:
    """Check settings, tenants, Kafka, Postgres, SMTP and mail domains; status 1 if any fails."""
    from agents.doctor import examine

    async def print_findings() -> bool:
        healthy = True
        async for finding in examine():
            colour = {"ok": "green", "warning": "yellow", "failed": "red"}[finding.verdict]
            out.print(f"[{colour}]{finding.verdict:8}[/] [bold]{finding.subject}[/] ", end="")
            out.print(finding.text, markup=False, highlight=False)
            healthy = healthy and finding.verdict != "failed"
        return healthy

    raise typer.Exit(0 if asyncio.run(print_findings()) else EXIT_NO)
