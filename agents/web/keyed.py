"""Keyed: what every address of the administration API shares: the key, its tenant, bodies and refusals.

It must never let a request through without a key, nor into another tenant than the key's.
"""

from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ValidationError

from agents.ledger.pool import Pool
from agents.tenants import TenantsNow
from agents.web.access import Caller, caller_of
from agents.web.failures import Failures
from agents.web.problems import has_nul, problem

_MAX_BODY_BYTES = 16 * 1024
_CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
B = TypeVar("B", bound=BaseModel)


class Refused(Exception):
    """A request that cannot be understood; the text says what to correct."""


def with_key(pool: Pool, failures: Failures, tenants: TenantsNow) -> Middleware:
    """The middleware: 401 without a key, 403 in another tenant, 404 in one that is not there, 400 for `Refused`."""

    @web.middleware
    async def authorize(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = await caller_of(pool, request)
        if caller is None:
            return failures.refuse(request)
        tenant = request.match_info.get("tenant")
        if caller.tenant is not None and caller.tenant != tenant:
            return problem(HTTPStatus.FORBIDDEN, "this key is for another tenant")
        if tenant is not None and tenant not in tenants():
            return problem(HTTPStatus.NOT_FOUND, "there is no such tenant")
        if has_nul(request):
            return problem(HTTPStatus.BAD_REQUEST, "the address holds a character that no name has")
        request[_CALLER] = caller
        try:
            return await handler(request)
        except Refused as refused:
            return problem(HTTPStatus.BAD_REQUEST, str(refused))

    return authorize


async def read_body(request: web.Request, kind: type[B], *, max_bytes: int = _MAX_BODY_BYTES) -> B:
    """The body of a request, as one of our models.

    Raises:
        Refused: it is none; the text names every fault.
    """
    try:
        return kind.model_validate_json(await request.clone(client_max_size=max_bytes).read())
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise Refused(faults) from None


def author_of(request: web.Request) -> str:
    """Whose key it is: signs what is done."""
    return request[_CALLER].author
