"""Problems: every error of the HTTP interface as `application/problem+json` (RFC 9457).

It must never tell more than the caller may know: refusals of strangers all read the same, and
no message repeats what was sent.
"""

from http import HTTPStatus

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from agents.ledger.away import AWAY

_RETRY_AFTER_SECONDS = "5"
_log = structlog.get_logger()


def problem(status: HTTPStatus, detail: str | None = None, *, headers: dict[str, str] | None = None) -> web.Response:
    """One problem: the status, its standard title, and what the caller can do about it."""
    body: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    if detail:
        body["detail"] = detail
    return web.Response(
        status=status.value,
        body=orjson.dumps(body),
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def has_nul(request: web.Request) -> bool:
    """Whether the address holds U+0000, which no name of ours does and Postgres cannot be asked about."""
    return any("\0" in value for value in (*request.match_info.values(), *request.query.values()))


def unauthorized() -> web.Response:
    """The one answer to every missing, wrong, expired or foreign credential."""
    return problem(HTTPStatus.UNAUTHORIZED, "a valid bearer token is required", headers={"WWW-Authenticate": "Bearer"})


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers of aiohttp itself, such as 404 and 405, in the same form; 503 while Postgres is away."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
        return problem(HTTPStatus(error.status), headers=kept)
    except AWAY as error:
        if request.transport is None or request.transport.is_closing():
            raise  # the caller is gone, not the database
        _log.warning("database_away", error_type=type(error).__name__, path=_route(request))
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "ours to mend; try again", headers={"Retry-After": _RETRY_AFTER_SECONDS}
        )


def _route(request: web.Request) -> str:
    """The route's pattern: an address itself may hold a token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def json(body: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A JSON answer that nobody keeps."""
    return web.Response(
        status=status.value,
        body=orjson.dumps(body, option=orjson.OPT_UTC_Z),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
