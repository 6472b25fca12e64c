"""Cross-origin: lets pages of named web origins call an application (the Fetch standard, CORS).

Off unless origins are named. It must never answer with `*`, nor allow cookies: tokens travel
in the Authorization header.
"""

from http import HTTPStatus

from aiohttp import web

from agents.web.problems import problem

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def allow_origins(app: web.Application, origins: tuple[str, ...]) -> None:
    """Allow `origins`, each as a browser sends it: scheme, host and port, without a path."""
    allowed = frozenset(origins)

    async def mark(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin in allowed and origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin

    async def preflight(request: web.Request) -> web.Response:
        if request.headers.get("Origin") not in allowed:
            return problem(HTTPStatus.FORBIDDEN)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=_PREFLIGHT)

    app.on_response_prepare.append(mark)
    app.add_routes([web.options("", preflight), web.options("/{tail:.*}", preflight)])
