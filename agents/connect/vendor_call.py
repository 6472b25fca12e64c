"""One bounded request to a vendor's API about our hooks, and in words what to do when it is refused.

It must never show a token, follow a redirect, which would take the token elsewhere, or repeat a
request that may have made something: whoever asks looks first at what is there. What is only read
or taken away is tried again, and after 429 everything is, for then nothing was done.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import aiohttp
import msgspec

_TRIES = 3
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_MAX_BYTES = 4 * 1024 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_WAIT_HEADERS = ("Retry-After", "X-RateLimit-Reset")


class VendorRefused(Exception):
    """The vendor answers no; the text says what to mend. `status` is the answer's."""

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


class VendorAway(Exception):
    """The vendor does not answer as it should; the same command may succeed later, and does nothing twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorApi:
    """One account's API.

    Attributes:
        vendor: its name, for people.
        root: the address before the paths.
        headers: with the credentials; never shown.
        mend: what to do about a status, in a sentence; others are told as they are.
    """

    vendor: str
    root: str
    session: aiohttp.ClientSession = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    mend: Mapping[int, str]

    async def ask(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The decoded answer; None where there is none, or a DELETE finds nothing.

        Raises:
            VendorRefused: the vendor answers no.
            VendorAway: no answer, 5xx, or 429 for longer than a person waits.
        """
        for attempt in range(_TRIES):
            is_last = attempt == _TRIES - 1
            try:
                status, headers, answer = await self._once(method, path, params, body)
            except (aiohttp.ClientError, TimeoutError) as error:
                if is_last or method == "POST":
                    raise self._away(f"does not answer ({type(error).__name__})") from None
                await asyncio.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
                continue
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                await self._wait(headers, attempt, is_last=is_last)
            elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                if is_last or method == "POST":
                    raise self._away(f"answers with status {status}")
                await asyncio.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
            elif HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return self._decoded(answer) if answer.strip() else None
            elif status == HTTPStatus.NOT_FOUND and method == "DELETE":
                return None
            else:
                raise VendorRefused(self._refusal(status), status=status)
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self.session.request(
            method,
            f"{self.root}{path}",
            params=params,
            json=body,
            headers=self.headers,
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as answer:
            content = bytearray()
            async for part in answer.content.iter_any():
                content += part
                if len(content) > _MAX_BYTES:
                    raise self._away(f"answers with more than {_MAX_BYTES} bytes")
            return answer.status, answer.headers, bytes(content)

    async def _wait(self, headers: Mapping[str, str], attempt: int, *, is_last: bool) -> None:
        """Wait as long as the vendor asks for, or say that this is too long for a person who waits."""
        given = next((text for name in _WAIT_HEADERS if (text := headers.get(name, "")).isdecimal()), None)
        seconds = float(given) if given else _FIRST_WAIT_SECONDS * 2**attempt
        if is_last or seconds > _LONGEST_WAIT_SECONDS:
            raise self._away(f"has had too many requests (429){f' and asks for {given} seconds' if given else ''}")
        await asyncio.sleep(seconds)

    def _decoded(self, answer: bytes) -> Any:
        try:
            return msgspec.json.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._away("answers with something that is not JSON") from None

    def _away(self, what: str) -> VendorAway:
        return VendorAway(f"{self.vendor} {what}: run the same command again later; what is there is left alone")

    def _refusal(self, status: int) -> str:
        hint = self.mend.get(status, "its documentation says what that means; nothing more was done")
        return f"{self.vendor} answers with status {status}: {hint}"
