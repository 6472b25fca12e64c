"""Served: the sources as the intake serves them now, one value that is replaced whole when something changes.

It must never change under who asks: a hook or a poll's turn that is under way ends with what it began with.

Theory of operation: each source is made of its entry, its tenant's zone and the secrets that its making
asked for. While these are the same it is kept as it is, with whatever it remembers; else it is made anew.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from agents.intake.hook_source import HookSource
from agents.intake.poll import Poll
from schemas.tenant import Source, missing_secrets

_log = structlog.get_logger()

Key = tuple[str, str]
"""A tenant's id, and the name of a source of its."""

Secrets = Callable[[str, str], tuple[str, ...]]
"""The valid values of a tenant's secret, newest first; empty when there is none."""


class TenantSources(Protocol):
    """What the intake needs to know of a tenant; `agents.tenants.Tenant` is one."""

    @property
    def id(self) -> str:
        """The tenant's id."""
        ...

    @property
    def timezone(self) -> str:
        """Its zone."""
        ...

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where its events come from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One hook's address: whose it is, and the last parts of the path that open it.

    Attributes:
        secrets: every one is valid; two while they rotate.
    """

    tenant: str
    source: HookSource
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways on which a source is heard.

    Attributes:
        door: where its hooks come in; None for one that sends none.
        poll: what asks it; None for one that is not asked.
    """

    door: Door | None = None
    poll: Poll | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSource:
    """One source, and what it was made of.

    Attributes:
        secrets: the values of its secret files, by name.
        ways: none while it is off.
        is_off: a secret is missing.
    """

    source: Source
    timezone: str = "UTC"
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    ways: Ways = field(default_factory=Ways)
    is_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served.

    Attributes:
        sources: every source, also those that are off.
        is_over: set when another value has taken the place of this one.
    """

    sources: Mapping[Key, ServedSource] = field(default_factory=dict)
    is_over: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    def door(self, tenant: str, source: str) -> Door | None:
        """The door of a source; None when there is none."""
        found = self.sources.get((tenant, source))
        return found.ways.door if found else None

    def poll(self, tenant: str, source: str) -> Poll | None:
        """What asks a source; None when nothing does."""
        found = self.sources.get((tenant, source))
        return found.ways.poll if found else None


ServedNow = Callable[[], Served]
"""What is served now: whoever takes it for a piece of work keeps it to its end."""

Make = Callable[[TenantSources, Source, Secrets], Ways]
"""Makes the ways of a source; made anew when a secret has changed that it asked for through the last argument."""


class Serving:
    """Keeps what is served now.

    Args:
        make: makes the ways of a source whose secrets are all there.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._now = Served()

    def now(self) -> Served:
        """What is served now; the same object until something changes."""
        return self._now

    def take_up(self, tenants: Iterable[TenantSources], secrets: Secrets) -> None:
        """Serve these tenants' sources from now on, with these secrets, and no others.

        Called on the event loop. What is off, and why, is told once; so is what begins and ends.
        """
        before = self._now
        sources = {
            (tenant.id, source.name): self._served(tenant, source, secrets)
            for tenant in tenants
            for source in tenant.sources
        }
        if sources == before.sources:
            return
        for tenant, source in before.sources.keys() - sources.keys():
            _log.info("source_gone", tenant=tenant, source=source)
        self._now = Served(sources=sources)
        before.is_over.set()

    def _served(self, tenant: TenantSources, source: Source, secrets: Secrets) -> ServedSource:
        """The source as it was, if nothing that it was made of has changed; else made anew."""
        held = self._now.sources.get((tenant.id, source.name))
        if (
            held is not None
            and (held.source, held.timezone) == (source, tenant.timezone)
            and all(secrets(tenant.id, name) == values for name, values in held.secrets.items())
        ):
            return held
        asked: dict[str, tuple[str, ...]] = {}

        def noted(of: str, name: str) -> tuple[str, ...]:
            asked[name] = secrets(of, name)
            return asked[name]

        missing = missing_secrets(tenant.id, source, noted)
        if missing:
            hint = f"write the secret files {' and '.join(missing)}: they are taken up within seconds"
            _log.error("source_off", tenant=tenant.id, source=source.name, hint=hint)
        else:
            _log.info("source_on", tenant=tenant.id, source=source.name)
        ways = Ways() if missing else self._make(tenant, source, noted)
        return ServedSource(source=source, timezone=tenant.timezone, secrets=asked, ways=ways, is_off=bool(missing))
