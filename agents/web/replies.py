"""Replies: what people answer to a text message, as Twilio hands it on.

It must never believe an unsigned request, nor tell a stranger which tenants and numbers there are.

Theory of operation: Twilio signs the address that it was given and the fields of the form, sorted by name, with the
account's auth token (HMAC-SHA1, "Webhooks security"). A word that asks for silence leaves the channel `sms` for
every client of the tenant with that number, a word that asks for more comes back; any other reply is answered with
nothing, since the number is no inbox of ours. Twilio itself confirms STOP and START to the person. Mounted at
`/v1/replies`; the address to give to Twilio is `{public_url}/v1/replies/{tenant}`.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from agents.ledger.clients import clients_by_phone
from agents.ledger.pool import Pool
from agents.providers.twilio import signature
from agents.signature_fit import fits_one
from agents.web.forms import read_form
from agents.web.problems import problem
from agents.wishes import ClientWishes

_CHANNEL: Final = "sms"
_MAX_BODY_BYTES: Final = 64 * 1024
_NOBODY: Final = ("",)  # an unknown tenant takes as long as a known one
_STOP: Final = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START: Final = frozenset({"start", "unstop", "yes"})


class Replies:
    """The handler of replies.

    Args:
        pool: the ledger.
        wishes: what the senders want from now on.
        tokens: the valid auth tokens of a tenant's account; none for a tenant without one.
        public_url: the address under which we are reached.
    """

    def __init__(
        self, pool: Pool, wishes: ClientWishes, tokens: Callable[[str], tuple[str, ...]], public_url: str
    ) -> None:
        self._pool = pool
        self._wishes = wishes
        self._tokens = tokens
        self._address = f"{public_url.rstrip('/')}/v1/replies"

    async def take(self, request: web.Request) -> web.Response:
        """`POST /{tenant}`: 403 unless it is signed; repeating it changes nothing."""
        tenant = request.match_info["tenant"]
        fields = list((await read_form(request, _MAX_BODY_BYTES)).items())
        given = request.headers.get("X-Twilio-Signature", "")
        tokens = self._tokens(tenant)
        signatures = [signature(f"{self._address}/{tenant}", fields, token) for token in tokens or _NOBODY]
        if not (fits_one(given, signatures) and tokens):
            return problem(HTTPStatus.FORBIDDEN, "the request is not signed with the account's token")
        await self._heed(tenant, dict(fields))
        return web.Response(text="<Response/>", content_type="text/xml")

    async def _heed(self, tenant: str, fields: Mapping[str, str]) -> None:
        said = (fields.get("OptOutType") or fields.get("Body") or "").strip().strip(".!\"'").lower()
        if said not in _STOP | _START:
            return
        for client in await clients_by_phone(self._pool, tenant, fields.get("From", "")):
            await self._wishes.change(tenant, client, channels={_CHANNEL: said in _START}, source="reply")


def replies_app(
    pool: Pool, *, wishes: ClientWishes, tokens: Callable[[str], tuple[str, ...]], public_url: str
) -> web.Application:
    """The application to mount at `/v1/replies`; the arguments are those of `Replies`."""
    app = web.Application()
    app.router.add_post("/{tenant}", Replies(pool, wishes, tokens, public_url).take)
    return app
