"""Forms: what a browser, a mailbox or Twilio sends as a form, read whole.

It must never let a stranger's broken body become an error of ours: whatever cannot be read as a form is 400,
what is too long 413. Files in it are left out, for no form of ours has any.
"""

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict

_MULTIPART: Final = "multipart/form-data"
_PLAIN: Final = ("", "application/x-www-form-urlencoded")
_MAX_FIELDS: Final = 200
_UNREADABLE: Final = (ValueError, LookupError, RuntimeError, AssertionError, HttpProcessingError)
"""Of aiohttp for a body that is none: no boundary, no charset of that name, an encoding that is none."""


async def read_form(request: web.Request, max_bytes: int) -> MultiDict[str]:
    """The fields of a form in their order. Any other media type has none.

    Raises:
        web.HTTPBadRequest: it is no form, or a field holds U+0000, which no text does.
        web.HTTPRequestEntityTooLarge: it is longer than `max_bytes`.
    """
    limited = request.clone(client_max_size=max_bytes)
    try:
        fields = await _fields(limited)
    except _UNREADABLE as error:
        raise web.HTTPBadRequest from error
    if any("\0" in name or "\0" in value for name, value in fields):
        raise web.HTTPBadRequest
    return MultiDict(fields)


async def _fields(request: web.BaseRequest) -> list[tuple[str, str]]:
    if request.content_type == _MULTIPART:
        return [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
    if request.content_type not in _PLAIN:
        return []
    charset = request.charset or "utf-8"
    text = (await request.read()).decode(charset).strip()
    return parse_qsl(text, keep_blank_values=True, encoding=charset, errors="strict", max_num_fields=_MAX_FIELDS)
