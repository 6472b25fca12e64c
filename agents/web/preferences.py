"""Preferences: what a client gets and has agreed to, for the platform's app, over HTTP.

It must never show or change another client's wishes: tenant and client are those of the verified token, the same as
the inbox's. Mounted at `/v1/preferences`.

| request | meaning |
|---|---|
| `GET` | channels, consents with where they come from, the history, and how often messages come at most |
| `PUT` | `{channels?: {email: false}, consents?: {marketing: true}}`: what is named changes; the answer is as of GET |

A wish holds from the answer on. How often messages come is the coach's policy; it is shown and cannot be changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.tenants import TenantsNow
from agents.web.cross_origin import allow_origins
from agents.web.failures import Failures
from agents.web.problems import json, problem
from agents.web.reader_tokens import Reader, ReaderTokens
from agents.web.readers import READER, authenticated
from agents.wishes import ClientWishes
from schemas.client import ConsentKind
from schemas.wishes import CONSENT_KINDS, MESSAGE_CHANNELS, Change, Wishes

_SOURCE: Final = "preferences"
_MAX_BODY_BYTES: Final = 16 * 1024


class WishesBody(BaseModel):
    """What `PUT` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    channels: dict[str, bool] = {}
    consents: dict[ConsentKind, bool] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConsent:
    """Whether it is granted, and on which way and when that was said; null when nothing was."""

    granted: bool
    source: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """How many messages of each tier come at most, by `per_day` and `per_week`, and when none do, `from` and `to`."""

    at_most: dict[str, dict[str, int]]
    quiet_hours: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPreferences:
    """What counts for a client: channels and consents by name, how often messages come, and how it came about."""

    channels: dict[str, bool]
    consents: dict[ConsentKind, ShownConsent]
    frequency: Frequency | None
    history: tuple[Change, ...]


class Preferences:
    """The handlers.

    Args:
        wishes: what clients want.
        tenants: in force, by id; which channels there are, and how often messages come.
    """

    def __init__(self, wishes: ClientWishes, tenants: TenantsNow) -> None:
        self._wishes = wishes
        self._tenants = tenants

    async def show(self, request: web.Request) -> web.Response:
        """What counts now, and how it came about; 404 for a client who was erased."""
        return await self._answer(request[READER])

    async def change(self, request: web.Request) -> web.Response:
        """What the client says counts from now on; saying it again changes nothing."""
        reader = request[READER]
        try:
            said = WishesBody.model_validate_json(await request.clone(client_max_size=_MAX_BODY_BYTES).read())
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            return problem(HTTPStatus.BAD_REQUEST, faults)
        if unknown := sorted(said.channels.keys() - set(self._channels(reader.tenant))):
            offered = ", ".join(self._channels(reader.tenant))
            return problem(HTTPStatus.BAD_REQUEST, f"channels: {len(unknown)} unknown; there are {offered}")
        await self._wishes.change(
            reader.tenant, reader.client, channels=said.channels, consents=said.consents, source=_SOURCE
        )
        return await self._answer(reader)

    async def _answer(self, reader: Reader) -> web.Response:
        wishes = await self._wishes.read(reader.tenant, reader.client)
        if wishes is None:
            return problem(HTTPStatus.NOT_FOUND)
        history = await self._wishes.history(reader.tenant, reader.client)
        return json(
            ClientPreferences(
                channels={name: name not in wishes.left for name in self._channels(reader.tenant)},
                consents={kind: _consent(wishes, kind) for kind in CONSENT_KINDS},
                frequency=self._frequency(reader.tenant),
                history=history,
            )
        )

    def _channels(self, tenant: str) -> tuple[str, ...]:
        found = self._tenants().get(tenant)
        return tuple(name for name in MESSAGE_CHANNELS if found is None or name in found.channels)

    def _frequency(self, tenant: str) -> Frequency | None:
        """At most so many of each tier, and when none come; None for a tenant that is not there any more."""
        found = self._tenants().get(tenant)
        if found is None:
            return None
        policy = found.rulebook.policy
        hours = policy.quiet_hours
        return Frequency(
            at_most={tier: cap for tier, one in policy.tiers.items() if (cap := one.cap.model_dump(exclude_none=True))},
            quiet_hours={"from": hours.from_time.isoformat("minutes"), "to": hours.to_time.isoformat("minutes")},
        )


def preferences_app(
    *,
    wishes: ClientWishes,
    tenants: TenantsNow,
    keys: Callable[[str], tuple[str, ...]],
    failures: Failures,
    allowed_origins: tuple[str, ...] = (),
) -> web.Application:
    """The application to mount at `/v1/preferences`.

    Args:
        wishes: what clients want.
        tenants: in force, by id.
        keys: a tenant's valid values of the secret `inbox_key`; empty for a tenant without one.
        failures: counts wrong tokens.
        allowed_origins: web origins whose pages may call it, as in `https://app.example`.
    """
    preferences = Preferences(wishes, tenants)
    app = web.Application(middlewares=[authenticated(ReaderTokens(keys), failures)])
    app.add_routes([web.get("", preferences.show, allow_head=False), web.put("", preferences.change)])
    allow_origins(app, allowed_origins)
    return app


def _consent(wishes: Wishes, kind: ConsentKind) -> ShownConsent:
    recorded = wishes.consents.get(kind)
    return ShownConsent(
        granted=wishes.allows(kind),
        source=recorded.source if recorded else None,
        at=recorded.at if recorded else None,
    )
