"""Readers: the guard of what a platform's app shows to one of its clients.

It must never let a request on without a verified token, nor take the client from anywhere but the token.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from agents.web.access import bearer
from agents.web.failures import Failures
from agents.web.problems import has_nul, problem
from agents.web.reader_tokens import Reader, ReaderTokens

READER: Final[web.RequestKey[Reader]] = web.RequestKey("reader", Reader)
"""Who sends the request."""


def authenticated(tokens: ReaderTokens, failures: Failures) -> Middleware:
    """Lets requests on that carry a valid token, and a browser's question whether it may ask (OPTIONS)."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return await handler(request)
        reader = tokens.read(bearer(request))
        if reader is None:
            return failures.refuse(request)
        if has_nul(request):
            return problem(HTTPStatus.BAD_REQUEST, "the address holds a character that no name has")
        request[READER] = reader
        return await handler(request)

    return authenticate
