"""Failures: slows down who keeps presenting wrong credentials.

It must never lock out anybody whose credential is right: only failed attempts are counted and
answered with 429, so that one stranger behind a shared proxy harms nobody else.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from agents.web.problems import problem, unauthorized

_ADDRESSES = 4_096
_WINDOW_SECONDS = 60


class Failures:
    """Counts failed attempts by address, in windows of a minute.

    Args:
        allowed: how many fail with 401 in a window before the answer is 429.
        seconds: gives a clock that never goes back.
    """

    def __init__(self, *, allowed: int = 20, seconds: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._seconds = seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refuse(self, request: web.Request) -> web.Response:
        """The answer to a failed attempt, which is counted."""
        address = request.remote or ""
        now = self._seconds()
        began, count = self._counts.pop(address, (now, 0))
        if now - began >= _WINDOW_SECONDS:
            began, count = now, 0
        self._counts[address] = (began, count + 1)
        while len(self._counts) > _ADDRESSES:
            self._counts.popitem(last=False)
        if count < self._allowed:
            return unauthorized()
        wait = max(1, round(began + _WINDOW_SECONDS - now))
        return problem(HTTPStatus.TOO_MANY_REQUESTS, "too many failed attempts", headers={"Retry-After": str(wait)})
