"""Asset files: what pages of a platform load from us, the same bytes for everybody.

It must never serve a path: each file is named here, and read once, when the process starts.

Theory of operation: an ETag is the file's digest, so a copy that is up to date costs a 304 (RFC 9110, 13.1.2);
it is asked about after ten minutes, so that a repair reaches everybody soon. An ES module from another origin is
loaded with CORS, so the origins that may call the inbox may load its component.
"""

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from agents.web.cross_origin import allow_origins

_FOLDER: Final = Path(__file__).parent / "assets"
_FILES: Final = ("cairn-inbox.js",)
_HEADERS: Final = {
    "Cache-Control": "public, max-age=600",
    "X-Content-Type-Options": "nosniff",
}


def assets_app(*, allowed_origins: tuple[str, ...] = ()) -> web.Application:
    """The application to mount at `/assets`.

    Args:
        allowed_origins: web origins whose pages may load them, as for the inbox.
    """
    app = web.Application()
    app.add_routes([web.get(f"/{name}", _serving((_FOLDER / name).read_bytes())) for name in _FILES])
    allow_origins(app, allowed_origins)
    return app


def _serving(content: bytes) -> Handler:
    digest = hashlib.sha256(content).hexdigest()[:32]

    async def serve(request: web.Request) -> web.Response:
        known = request.if_none_match or ()
        if any(tag.value in (digest, "*") for tag in known):
            response = web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_HEADERS)
        else:
            response = web.Response(body=content, content_type="text/javascript", charset="utf-8", headers=_HEADERS)
        response.etag = digest
        return response

    return serve
