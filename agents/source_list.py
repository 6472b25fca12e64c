"""Every source of every tenant and how it is, for `cairn sources`.

It reads secrets only to know whether they are there, and must never show one, nor an address or a
name of a person. It asks nobody outside; what vendors say of their hooks is handed in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.intake.health_book import read_health, silent_after
from agents.intake.served import Key, Secrets
from agents.intake.source_state import WELL, Health, State, newest_age, overdue, state_of
from agents.ledger.pool import Pool
from agents.secret_files import SecretUnreadable
from schemas.tenant import Source, lacking_to_ask, missing_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """One source.

    Attributes:
        missing: secret files that it needs and has not.
        unreadable: why secret files that are there give no values, a clause for each.
        unasked: secret files without which its completions are believed unasked.
        newest_seconds: the age of the newest thing that was taken in; None if there is none.
        overdue_seconds: for how long its next poll has been due.
    """

    tenant: str
    source: str
    kind: str
    state: State
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    unasked: tuple[str, ...]
    heard_at: datetime | None
    accepted_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    accepted: int
    failed: int
    newest_seconds: int | None
    overdue_seconds: int
    kept: int

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.state in WELL


async def list_sources(
    pool: Pool,
    queries: Mapping[str, str],
    sources: Mapping[Key, Source],
    *,
    secrets: Secrets,
    disabled: Collection[Key],
    now: datetime,
    domain_now: datetime,
) -> list[SourceLine]:
    """A line for each of these sources, in order of tenant and name.

    Args:
        pool: the ledger.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        sources: by tenant and name.
        secrets: the valid values of a tenant's secret.
        disabled: sources whose vendor says that their hooks are off.
        now: real time.
        domain_now: the time in which polls are due.
    """
    found = await read_health(pool, queries, tuple(sources))
    lines = []
    for key in sorted(sources):
        source, health = sources[key], found[key]
        refusals: dict[str, str] = {}
        readable = _readable(secrets, refusals)
        missing = missing_secrets(key[0], source, readable)
        state = state_of(
            health,
            silent_after=silent_after(source),
            now=now,
            is_off=bool(missing),
            is_disabled=key in disabled,
        )
        unasked = lacking_to_ask(key[0], source, readable)
        absent = [tuple(name for name in names if name not in refusals) for names in (missing, unasked)]
        lacking = (absent[0], tuple(refusals.values()), absent[1])
        lines.append(_line(key, source, health, state, lacking, now, domain_now))
    return lines


def _readable(secrets: Secrets, refusals: dict[str, str]) -> Secrets:
    """The same secrets, where one that cannot be read has no value; why not goes to `refusals` under its name."""

    def values(tenant: str, name: str) -> tuple[str, ...]:
        try:
            return secrets(tenant, name)
        except SecretUnreadable as error:
            refusals[name] = str(error)
            return ()

    return values


def _line(
    key: Key,
    source: Source,
    health: Health,
    state: State,
    lacking: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    now: datetime,
    domain_now: datetime,
) -> SourceLine:
    age = newest_age(health, now)
    return SourceLine(
        tenant=key[0],
        source=key[1],
        kind=source.kind,
        state=state,
        missing=lacking[0],
        unreadable=lacking[1],
        unasked=lacking[2],
        heard_at=health.heard_at,
        accepted_at=health.accepted_at,
        failed_at=health.failed_at,
        failure=health.failure,
        accepted=health.accepted,
        failed=health.failed,
        newest_seconds=None if age is None else round(age.total_seconds()),
        overdue_seconds=round(overdue(health, domain_now).total_seconds()),
        kept=health.kept,
    )
