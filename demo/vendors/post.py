"""Sends a hook as vendors do: again and again, with growing waits, until it is taken.

Must never give up on an answer that a retry can change, nor retry for ever.
"""

import asyncio
from collections.abc import Mapping

import aiohttp

_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_TAKEN = range(200, 300)


class HookRefused(Exception):
    """No attempt was answered with 2xx; the last answer is in the text."""


async def post_hook(
    session: aiohttp.ClientSession,
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    copies: int = 1,
    attempts: int = _ATTEMPTS,
) -> int:
    """Deliver one hook, `copies` times over as a vendor that doubts does.

    Returns:
        How many requests were made, retries included.

    Raises:
        HookRefused: `attempts` were not enough.
    """
    return sum([await _deliver(session, url, body, headers, attempts) for _ in range(copies)])


async def _deliver(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], attempts: int
) -> int:
    last = "no attempt"
    for attempt in range(1, attempts + 1):
        try:
            async with session.post(url, data=body, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status in _TAKEN:
                    return attempt
                last = f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            last = type(error).__name__
        if attempt < attempts:
            await asyncio.sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    raise HookRefused(f"{attempts} attempts, the last answered with {last}")
