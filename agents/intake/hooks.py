"""Hooks over HTTP: `POST /hooks/{tenant}/{source}/{secret}`.

It must never answer 202 before Kafka, the spool or Postgres has what the hook said, believe a
body whose signature it did not check over the raw bytes, or tell a stranger by wording or
timing how far a guess went.

| status | meaning |
|---|---|
| 202 | taken: published, kept for later, or set aside with its reason |
| 400, 408, 413 | the body did not arrive whole, in time, or within 1 MiB |
| 401 | no valid, fresh signature |
| 404 | no such tenant, source or secret |
| 429 | more signed hooks than the tenant may bring in a second, or more at once; send it again after `Retry-After` |
| 503 | ours to mend; send it again after `Retry-After` |
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256

import asyncpg
import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiokafka.errors import KafkaError

from agents.clock import Clock
from agents.intake.desk import Desk
from agents.intake.kept_hooks import KeptHooks
from agents.intake.served import Door, ServedNow
from agents.intake.source_away import SourceAway, SourceBusy
from agents.intake.spool import SpoolFull
from agents.intake.tallies import Tallies
from agents.intake.trial import read_trial
from agents.intake.turnstile import HookLimits, TooMuchInHand, Turnstile
from agents.metrics import HOOKS_RECEIVED, SIGNATURE_FAILURES

MAX_BODY_BYTES = 1024 * 1024
_TAKE_SECONDS = 20.0
_RETRY_AFTER_SECONDS = {429: "1", 503: "30"}
_OUTCOMES = (
    "accepted", "set_aside", "erased", "kept", "trial", "unsigned", "incomplete", "limited", "unavailable",
)  # fmt: skip
_AWAY = (
    SpoolFull,
    KafkaError,
    TimeoutError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)

_log = structlog.get_logger()


class Hooks:
    """Receives hooks.

    Args:
        served: every address that exists.
        desk: takes what was verified.
        kept: takes what was verified and cannot be read now.
        clock: gives the domain time of hearing.
        limits: of each tenant.
        tallies: what was heard of each source.
        body_seconds: how long a body may take to arrive.
    """

    def __init__(
        self,
        served: ServedNow,
        *,
        desk: Desk,
        kept: KeptHooks,
        clock: Clock,
        limits: HookLimits | None = None,
        tallies: Tallies | None = None,
        body_seconds: float = 10.0,
    ) -> None:
        self._served = served
        self._desk = desk
        self._kept = kept
        self._clock = clock
        self._turnstile = Turnstile(limits or HookLimits())
        self._tallies = tallies or Tallies()
        self._body_seconds = body_seconds

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to an application."""
        return [web.post("/hooks/{tenant}/{source}/{secret}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one hook."""
        door = self._open(request.match_info)
        if door is None:
            return _answer(404, "not found")
        length = request.content_length  # none in a chunked request
        if length is not None and length > MAX_BODY_BYTES:
            self._count_failure(door, "incomplete")
            return _answer(413, "too large")
        try:
            with self._turnstile.body(door.tenant) as comes:
                return await self._receive(door, request, comes)
        except TooMuchInHand:
            self._count_failure(door, "limited")
            answer = _answer(429, "too many")
            answer.force_close()  # the rest of its body is not read
            return answer

    async def _receive(self, door: Door, request: web.Request, comes: Callable[[int], None]) -> web.Response:
        body = await self._read(request, comes)
        if isinstance(body, web.Response):
            self._count_failure(door, "incomplete")
            return body
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not door.source.is_signed(headers, body):
            SIGNATURE_FAILURES.labels(door.source.kind).inc()
            self._count_failure(door, "unsigned")
            return _answer(401, "not authenticated")
        if not await self._turnstile.admits(door.tenant):
            self._count_failure(door, "limited")
            return _answer(429, "too many")
        if (trial_id := read_trial(body)) is not None:
            self._tallies.tried(door.tenant, door.source.name, trial_id)
            HOOKS_RECEIVED.labels(door.source.kind, "trial").inc()
            return _answer(202, "taken")
        return await self._acknowledge(door, headers, body)

    async def _acknowledge(self, door: Door, headers: Mapping[str, str], body: bytes) -> web.Response:
        """202 once the hook is where it cannot be lost."""
        self._tallies.heard(door.tenant, door.source.name)
        try:
            async with asyncio.timeout(_TAKE_SECONDS), self._turnstile.place(door.tenant):
                outcome = await self._take(door, headers, body)
        except _AWAY as error:
            _log.warning("hook_unavailable", tenant=door.tenant, error_type=type(error).__name__)
            self._count_failure(door, "unavailable")
            return _answer(503, "try again later")
        HOOKS_RECEIVED.labels(door.source.kind, outcome).inc()
        return _answer(202, "taken")

    async def _take(self, door: Door, headers: Mapping[str, str], body: bytes) -> str:
        heard_at = self._clock.now()
        try:
            asking = partial(self._turnstile.asking, door.tenant)
            return await self._desk.take(door.tenant, door.source, headers, body, heard_at, asking)
        except SourceAway as away:
            await self._kept.keep(door.tenant, door.source.name, body, heard_at, away)
            with suppress(*_AWAY):  # what is kept is read whole later
                await self._desk.take_beside(door.tenant, door.source, away, heard_at)
            if not isinstance(away, SourceBusy):
                self._tallies.failed(door.tenant, door.source.name, away.code)
            return "kept"

    def _count_failure(self, door: Door, reason: str) -> None:
        HOOKS_RECEIVED.labels(door.source.kind, reason).inc()
        self._tallies.failed(door.tenant, door.source.name, reason)

    def _open(self, path: Mapping[str, str]) -> Door | None:
        """The door that this path opens; a wrong secret and a wrong name take the same steps."""
        given = sha256(path["secret"].encode("utf-8", "surrogatepass")).digest()
        door = self._served().door(path["tenant"], path["source"])
        fits = False
        for secret in door.secrets if door else ("",):
            fits |= hmac.compare_digest(sha256(secret.encode()).digest(), given)
        return door if fits else None

    async def _read(self, request: web.Request, comes: Callable[[int], None]) -> bytes | web.Response:
        """The raw body, or the answer to one that is not whole."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                async for part in request.content.iter_any():
                    comes(len(part))
                    body += part
                    if len(body) > MAX_BODY_BYTES:
                        return _answer(413, "too large")
        except TimeoutError:
            return _answer(408, "too slow")
        except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError, ConnectionError):
            return _answer(400, "incomplete")
        return bytes(body)


def begin_counting(kind: str) -> None:
    """Show every count of a kind of source from 0, so that its first failure is a rise."""
    SIGNATURE_FAILURES.labels(kind)
    for outcome in _OUTCOMES:
        HOOKS_RECEIVED.labels(kind, outcome)


def _answer(status: int, text: str) -> web.Response:
    """The whole answer: a word for people, nothing for guessers."""
    answer = web.json_response({"status": text}, status=status)
    if status in _RETRY_AFTER_SECONDS:
        answer.headers["Retry-After"] = _RETRY_AFTER_SECONDS[status]
    if status in {400, 408, 413}:
        answer.force_close()
    return answer
