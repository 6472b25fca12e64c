"""Provider events over HTTP: `POST /v1/provider-events/{tenant}/{provider}`.

It must never believe a call that is unsigned or stale, tell a stranger which tenants and providers there are, say
taken before the ledger has what was told, or lose the rest of a batch for one event.

| status | meaning |
|---|---|
| 204 | taken; also what means nothing to us, and what is about a message that is not ours |
| 400, 408, 413 | signed, but none of the vendor's; too slow; larger than 1 MiB |
| 403 | not signed, stale, or nobody of that name |
| 500, 503 | ours to mend; tell it again: what was taken is not applied twice |
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from agents.ledger.away import AWAY
from agents.ledger.money import count_money
from agents.ledger.pool import Pool
from agents.ledger.provider_events import Heard, forget_old, hear, is_first_use
from agents.metrics import DELIVERIES, PROVIDER_EVENTS, SIGNATURE_FAILURES, UNSUBSCRIBES
from agents.providers.mailgun import Mailgun
from agents.providers.provider import Call, Provider, Reading, UnreadableBodyError
from agents.providers.sendgrid import SendGrid
from agents.providers.standard import StandardProvider
from agents.providers.tremendous import Tremendous
from agents.providers.twilio import Twilio
from agents.web.problems import problem
from agents.web.status_links import PROVIDER_EVENTS as ADDRESS
from agents.wishes import ClientWishes
from schemas.policy import ChannelName
from schemas.provider_event import ProviderEvent

_MAX_BODY_BYTES: Final = 1024 * 1024
_BODY_SECONDS: Final = 10.0
_NOBODY: Final = ("MA==",)  # a tenant without secrets takes as long as one with them
_MAIL: Final[tuple[ChannelName, ...]] = ("email",)
_SERVES: Final[tuple[tuple[Provider, tuple[ChannelName, ...]], ...]] = (
    (Twilio(), ("sms",)),
    (Mailgun(), _MAIL),
    (SendGrid(), _MAIL),
    (Tremendous(), ("gift",)),
    (StandardProvider(), ("email", "sms", "slack", "gift")),
)
_log = structlog.get_logger()


class ProviderEvents:
    """The handler.

    Args:
        pool: the ledger.
        wishes: publishes the wishes that lie in events.
        secrets: the valid values of a tenant's secret, by its name; none for a tenant that is not there.
        public_url: the address under which we are reached.
        now_seconds: real time.
    """

    def __init__(
        self,
        pool: Pool,
        wishes: ClientWishes,
        secrets: Callable[[str, str], tuple[str, ...]],
        public_url: str,
        now_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._wishes = wishes
        self._secrets = secrets
        self._address = f"{public_url.rstrip('/')}{ADDRESS}"
        self._now_seconds = now_seconds
        self._providers: Mapping[str, tuple[Provider, tuple[ChannelName, ...]]] = {
            provider.name: (provider, channels) for provider, channels in _SERVES
        }
        for name in self._providers:
            SIGNATURE_FAILURES.labels(name)

    async def take(self, request: web.Request) -> web.Response:
        """Answer one call; see the table above."""
        tenant, known = request.match_info["tenant"], self._providers.get(request.match_info["provider"])
        if known is None:
            return _refused()
        provider, channels = known
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.clone(client_max_size=_MAX_BODY_BYTES).read()
        except TimeoutError:
            return problem(HTTPStatus.REQUEST_TIMEOUT)
        call = self._call(request, body)
        secrets = self._secrets(tenant, provider.secret)
        if not (provider.is_signed(call, secrets or _NOBODY) and secrets):
            SIGNATURE_FAILURES.labels(provider.name).inc()
            return _refused()
        token = provider.token(call)
        if token is not None and not await is_first_use(self._pool, tenant, provider.name, token, body):
            SIGNATURE_FAILURES.labels(provider.name).inc()
            return _refused()
        try:
            readings = provider.events(call)
        except UnreadableBodyError as error:
            PROVIDER_EVENTS.labels(provider.name, "unreadable", "refused").inc()
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        failed = [reading for reading in readings if not await self._hear(tenant, provider, channels, reading)]
        await forget_old(self._pool)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR) if failed else web.Response(status=HTTPStatus.NO_CONTENT)

    def _call(self, request: web.Request, body: bytes) -> Call:
        match = request.match_info
        query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
        return Call(
            address=f"{self._address}/{match['tenant']}/{match['provider']}{query}",
            headers={
                name.lower(): value.encode("utf-8", "replace").decode() for name, value in request.headers.items()
            },
            query=dict(request.query),
            body=body,
            at_seconds=self._now_seconds(),
        )

    async def _hear(self, tenant: str, provider: Provider, channels: tuple[ChannelName, ...], reading: Reading) -> bool:
        """Apply one event; False when it has to be told again."""
        if not isinstance(reading, ProviderEvent):
            PROVIDER_EVENTS.labels(provider.name, reading, "ignored").inc()
            return True
        try:
            heard = await hear(
                self._pool,
                tenant=tenant,
                provider=provider.name,
                channels=channels,
                event=reading,
                now=self._wishes.now(),
            )
        except AWAY:
            raise  # what was applied stays, and the provider tells all of it again
        except Exception as error:  # noqa: BLE001 - recorded: the others are applied, and the provider tells this again
            _log.error("provider_event.failed", tenant=tenant, kind=reading.kind, error_type=type(error).__name__)
            PROVIDER_EVENTS.labels(provider.name, reading.kind, "failed").inc()
            return False
        PROVIDER_EVENTS.labels(provider.name, reading.kind, heard.outcome).inc()
        await self._follow(tenant, heard)
        return True

    async def _follow(self, tenant: str, heard: Heard) -> None:
        """Count what is committed, and publish the wishes in it."""
        if heard.channel and heard.state:
            DELIVERIES.labels(heard.channel, heard.state).inc()
        count_money("returned", heard.returned_cents)
        UNSUBSCRIBES.inc(len(heard.channels))
        if heard.client and (heard.channels or heard.consents):
            await self._wishes.publish(tenant, heard.client, channels=heard.channels, consents=heard.consents)


def provider_events_app(
    pool: Pool,
    *,
    wishes: ClientWishes,
    secrets: Callable[[str, str], tuple[str, ...]],
    public_url: str,
    now_seconds: Callable[[], float] = time.time,
) -> web.Application:
    """The application to mount at `/v1/provider-events`; the arguments are those of `ProviderEvents`."""
    app = web.Application()
    app.router.add_post("/{tenant}/{provider}", ProviderEvents(pool, wishes, secrets, public_url, now_seconds).take)
    return app


def _text(value: str) -> str:
    """A header's value without the bytes that are no text: no signature has any."""
    return value.encode("utf-8", "replace").decode()


def _refused() -> web.Response:
    return problem(HTTPStatus.FORBIDDEN, "the request is not signed with a secret of the tenant, or too old")
