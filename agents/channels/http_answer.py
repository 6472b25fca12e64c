"""One request to a provider and the whole of its answer, or what is known when there is none.

It must never follow a redirect, which would take the credentials elsewhere, read an answer
without a bound of size and time, or put an address into what it says: some are secrets.

Theory of operation: each request has a connection of its own, since one that was closed while
it lay idle looks like a request that got lost. So there are three ends: `NotConnected`, the
provider has certainly not heard it; `NoAnswer`, nobody can say; or an answer, cut where it is
longer than any that a provider gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec

_CONNECT_SECONDS: Final = 10.0
_TOTAL_SECONDS: Final = 60.0
_MAX_BYTES: Final = 64 * 1024
_LONGEST_WAIT_SECONDS: Final = 3_600.0
_NOT_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


class NotConnected(Exception):
    """Nothing was sent; the text is for the ledger."""


class NoAnswer(Exception):
    """The request may have arrived, and nothing usable came back; the text is for the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider answered.

    Attributes:
        body: as it came, or as much of it as is more than any answer of a provider.
        retry_after_seconds: how long it asks for silence (RFC 9110, 10.2.3), an hour at most.
    """

    status: int
    body: bytes
    retry_after_seconds: float | None = None

    @property
    def is_redirect(self) -> bool:
        """Whether it points elsewhere: nothing was taken."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_refusal(self) -> bool:
        """Whether the provider says that the request is at fault."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def said(self) -> dict[str, Any]:
        """The JSON object that it is; empty when it is anything else."""
        try:
            said = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}


async def ask(
    method: str, url: str, *, headers: Mapping[str, str], data: bytes | Mapping[str, str] | None = None
) -> Answer:
    """Ask once.

    Args:
        method: of HTTP.
        url: where; its host is the provider's.
        headers: with the credentials, and the type of `data` when it is bytes.
        data: the body; a mapping goes as a form.

    Raises:
        NotConnected: nothing was sent.
        NoAnswer: it may have arrived.
    """
    timeout = aiohttp.ClientTimeout(total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), timeout=timeout) as session,
            session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer,
        ):
            wait = _seconds(answer.headers.get("Retry-After", ""))
            return Answer(status=answer.status, body=await _bounded(answer), retry_after_seconds=wait)
    except _NOT_CONNECTED as error:
        raise NotConnected(f"no connection to the provider: {type(error).__name__}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(f"no answer from the provider: {type(error).__name__}") from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_chunked(_MAX_BYTES):
        body += chunk
        if len(body) > _MAX_BYTES:
            break
    return body


def _seconds(text: str) -> float | None:
    """Seconds of a `Retry-After`; its date form is left to our own back-off."""
    return min(float(text), _LONGEST_WAIT_SECONDS) if text.isascii() and text.isdigit() else None
