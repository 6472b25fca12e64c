"""Unsubscribe: the page and the one-click address behind a mail's way out.

GET must never change anything, because mail scanners open every link: it shows a button. POST
leaves or returns, by that button or by RFC 8058's `List-Unsubscribe=One-Click`, which mailboxes
send without anybody looking. The token is the credential, see `agents.web.links`. Works without
scripts, on a phone and by keyboard. Mounted at `/u`.
"""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from agents.ledger.clients import has_opted_out
from agents.ledger.pool import Pool
from agents.web.forms import read_form
from agents.web.links import Subscription, UnsubscribeLinks
from agents.web.page_headers import PAGE_HEADERS
from agents.wishes import ClientWishes

State = Literal["unknown", "subscribed", "left", "returned"]
_TITLES: dict[State, str] = {
    "unknown": "This link does not work",
    "subscribed": "Fewer messages?",
    "left": "These messages have stopped",
    "returned": "These messages come again",
}
_MEDIA = {"email": " by mail", "sms": " by text message"}
_MAX_BODY_BYTES = 4_096


class UnsubscribePage:
    """The handlers of the page.

    Args:
        pool: the ledger.
        wishes: what clients want from now on.
        links: reads tokens.
        practice: what a tenant is called; None for a tenant that is not there any more.
    """

    def __init__(
        self, pool: Pool, wishes: ClientWishes, links: UnsubscribeLinks, practice: Callable[[str], str | None]
    ) -> None:
        self._pool = pool
        self._wishes = wishes
        self._links = links
        self._practice = practice
        source = Path(__file__).parent / "pages" / "unsubscribe.html.j2"
        environment = Environment(undefined=StrictUndefined, autoescape=True)
        self._template = environment.from_string(source.read_text(encoding="utf-8"))

    async def show(self, request: web.Request) -> web.Response:
        """`GET /{token}`: the button; 404 for a token that we never made."""
        subscription = self._links.read(request.match_info["token"])
        if subscription is None:
            return self._page("unknown")
        left = await has_opted_out(
            self._pool, tenant=subscription.tenant, client=subscription.client, channel=subscription.channel
        )
        return self._page("left" if left else "subscribed", subscription)

    async def choose(self, request: web.Request) -> web.Response:
        """`POST /{token}`: leave or return; repeating it changes nothing."""
        subscription = self._links.read(request.match_info["token"])
        if subscription is None:
            return self._page("unknown")
        form = await read_form(request, _MAX_BODY_BYTES)
        if form.get("choice") == "return":
            await self._say(subscription, "page", wanted=True)
            return self._page("returned", subscription)
        if form.get("choice") == "leave":
            await self._say(subscription, "page", wanted=False)
        elif form.get("List-Unsubscribe") == "One-Click":
            await self._say(subscription, "one_click", wanted=False)
        else:
            return await self.show(request)
        return self._page("left", subscription)

    async def _say(self, about: Subscription, source: str, *, wanted: bool) -> None:
        await self._wishes.change(about.tenant, about.client, channels={about.channel: wanted}, source=source)

    def _page(self, state: State, subscription: Subscription | None = None) -> web.Response:
        html = self._template.render(
            state=state,
            title=_TITLES[state],
            practice=(subscription and self._practice(subscription.tenant)) or "Your coach",
            medium=_MEDIA.get(subscription.channel, "") if subscription else "",
        )
        status = HTTPStatus.NOT_FOUND if state == "unknown" else HTTPStatus.OK
        return web.Response(status=status, text=html, content_type="text/html", headers=PAGE_HEADERS)


def unsubscribe_app(
    pool: Pool, *, wishes: ClientWishes, links: UnsubscribeLinks, practice: Callable[[str], str | None]
) -> web.Application:
    """The application to mount at `/u`; the arguments are those of `UnsubscribePage`."""
    page = UnsubscribePage(pool, wishes, links, practice)
    app = web.Application()
    app.add_routes([web.get("/{token}", page.show, allow_head=False), web.post("/{token}", page.choose)])
    return app
