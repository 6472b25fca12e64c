"""Fetch: one bounded question to a tool's API that changes nothing there, answered in JSON.

It must never read without a limit of size and time, pass the tool's rate limit, or follow a
redirect, which would take the credentials elsewhere. Time-outs, 429 and 5xx are tried a few
times, then the tool is away; any other refusal is the operator's to mend and is away too,
visibly.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
import stamina
from aiolimiter import AsyncLimiter

from agents.intake.links import next_reference
from agents.intake.retry_after import retry_after_seconds
from agents.intake.source_away import SourceAway, SourceRefused

TOTAL_SECONDS = 8.0
"""How long a hook may wait for one answer."""

_MAX_BYTES = 16 * 1024 * 1024
_ATTEMPTS = 3
_TRY = aiohttp.ClientTimeout(total=5.0)
_TRANSIENT = (aiohttp.ClientError, TimeoutError)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _Again(Exception):
    """The answer says that another try may succeed."""

    def __init__(self, status: int, retry_after_seconds: float | None) -> None:
        super().__init__(f"status {status}")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a tool answered.

    Attributes:
        document: decoded; None where the tool says 404.
        next_reference: where the list goes on, as the tool wrote it; None if it does not.
    """

    document: Any
    next_reference: str | None = None


async def fetch_answer(
    session: aiohttp.ClientSession,
    url: str,
    *,
    limiter: AsyncLimiter,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> Answer:
    """The tool's answer, and where its list goes on: to a GET, or to a POST of a form that is harmless to repeat.

    Every try waits for its turn at the limiter; `total_seconds` bounds waiting and trying.

    Raises:
        SourceRefused: the credentials are not accepted.
        SourceAway: no usable answer within the bounds.
    """
    method = "GET" if form is None else "POST"
    request = partial(session.request, method, url, headers=headers, params=params, data=form)
    tries = stamina.retry_context(on=_is_worth_a_try, attempts=_ATTEMPTS, wait_initial=0.2, wait_max=2.0)
    try:
        async with asyncio.timeout(total_seconds):
            async for attempt in tries:
                with attempt:
                    await limiter.acquire()
                    return await _ask(request(timeout=_TRY, allow_redirects=False))
    except _Again as again:
        raise SourceAway(f"the tool answers with {again}", retry_after_seconds=again.retry_after_seconds) from None
    except _TRANSIENT as error:
        raise SourceAway(f"the tool does not answer: {type(error).__name__}") from None
    raise AssertionError("stamina returns or raises")


def _is_worth_a_try(error: Exception) -> bool:
    """Again at once, unless the tool itself said when."""
    if isinstance(error, _Again):
        return error.retry_after_seconds is None
    return isinstance(error, _TRANSIENT)


async def _ask(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Answer:
    async with request as answer:
        if answer.status == HTTPStatus.NOT_FOUND:
            return Answer(document=None)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Again(answer.status, retry_after_seconds(answer.status, answer.headers, datetime.now(UTC)))
        if answer.status in _REFUSED:
            raise SourceRefused(answer.status)
        if answer.status != HTTPStatus.OK:
            raise SourceAway(f"the tool answers with status {answer.status}: check address and credentials")
        following = next_reference(answer.headers.getall("Link", ()))
        body = await answer.content.read(_MAX_BYTES + 1)
        while len(body) <= _MAX_BYTES and not answer.content.at_eof():
            body += await answer.content.read(_MAX_BYTES + 1 - len(body))
    if len(body) > _MAX_BYTES:
        raise SourceAway(f"the tool's answer is longer than {_MAX_BYTES} bytes")
    try:
        return Answer(document=msgspec.json.decode(body), next_reference=following)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAway("the tool's answer is not JSON") from None
