"""The preference page: what a client gets, in plain words, with a switch for each of it.

GET must never change anything, because mail scanners open every link. POST flips one switch and shows the page
again. The token is the credential, see `agents.web.preference_links`. Works without scripts, on a phone and by
keyboard. Mounted at `/p`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, cast

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from agents.tenants import TenantsNow
from agents.web.forms import read_form
from agents.web.page_headers import PAGE_HEADERS
from agents.web.preference_links import PreferenceLinks, Whose
from agents.wishes import ClientWishes
from schemas.client import ConsentKind
from schemas.wishes import CONSENT_KINDS, MESSAGE_CHANNELS, Wishes

_MAX_BODY_BYTES: Final = 4_096
_SOURCE: Final = "page"
_CHANNELS: Final[Mapping[str, str]] = {
    "email": "Mails",
    "sms": "Text messages",
    "in_app": "Messages in the app",
}
_KINDS: Final[Mapping[ConsentKind, tuple[str, str]]] = {
    "service": ("A word when you reach something", "Without this, nothing comes by itself, on no channel."),
    "marketing": ("Gifts, offers, and a question whether you would recommend us", ""),
    "public_praise": ("Your wins told in the community", "With your name, where others can read it."),
    "story": ("Your story told as an example", "You are asked again before anything is told."),
    "personal_signals": ("Your birthday, and habits about your health", "They are not used without this."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One line of the page.

    Attributes:
        name: what the form sends: a channel or a kind of consent.
        about: what the switch stands for, in a few words.
        more: a sentence below; empty for none.
    """

    name: str
    about: str
    more: str
    is_on: bool


class PreferencePage:
    """The handlers of the page.

    Args:
        wishes: what clients want.
        links: reads tokens.
        tenants: in force, by id: their names and channels.
    """

    def __init__(self, wishes: ClientWishes, links: PreferenceLinks, tenants: TenantsNow) -> None:
        self._wishes = wishes
        self._links = links
        self._tenants = tenants
        source = Path(__file__).parent / "pages" / "preferences.html.j2"
        environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(source.read_text(encoding="utf-8"))

    async def show(self, request: web.Request) -> web.Response:
        """`GET /{token}`: the switches; 404 for a token that we never made, and for who was erased."""
        return await self._page(self._links.read(request.match_info["token"]))

    async def choose(self, request: web.Request) -> web.Response:
        """`POST /{token}`: flip one switch; repeating it changes nothing."""
        whose = self._links.read(request.match_info["token"])
        if whose is None:
            return await self._page(None)
        form = await read_form(request, _MAX_BODY_BYTES)
        name, choice = str(form.get("name")), str(form.get("choice"))
        if choice not in ("on", "off"):
            return await self._page(whose)
        is_on = choice == "on"
        if name in self._channels(whose.tenant):
            await self._wishes.change(whose.tenant, whose.client, channels={name: is_on}, source=_SOURCE)
            return await self._page(whose, _said(_CHANNELS[name], is_on=is_on))
        if name in _KINDS:
            kind = cast("ConsentKind", name)
            await self._wishes.change(whose.tenant, whose.client, consents={kind: is_on}, source=_SOURCE)
            return await self._page(whose, _said(_KINDS[kind][0], is_on=is_on))
        return await self._page(whose)

    async def _page(self, whose: Whose | None, said: str = "") -> web.Response:
        wishes = await self._wishes.read(whose.tenant, whose.client) if whose else None
        tenant = self._tenants().get(whose.tenant) if whose else None
        html = self._template.render(
            is_known=wishes is not None,
            practice=tenant.name if tenant else "Your coach",
            said=said,
            channels=self._channel_switches(whose.tenant, wishes) if whose and wishes else (),
            kinds=_kind_switches(wishes) if wishes else (),
        )
        status = HTTPStatus.OK if wishes else HTTPStatus.NOT_FOUND
        return web.Response(status=status, text=html, content_type="text/html", headers=PAGE_HEADERS)

    def _channels(self, tenant: str) -> tuple[str, ...]:
        found = self._tenants().get(tenant)
        return tuple(name for name in MESSAGE_CHANNELS if found is None or name in found.channels)

    def _channel_switches(self, tenant: str, wishes: Wishes) -> tuple[Switch, ...]:
        return tuple(
            Switch(name=name, about=_CHANNELS[name], more="", is_on=name not in wishes.left)
            for name in self._channels(tenant)
        )


def preference_page_app(*, wishes: ClientWishes, links: PreferenceLinks, tenants: TenantsNow) -> web.Application:
    """The application to mount at `/p`; the arguments are those of `PreferencePage`."""
    page = PreferencePage(wishes, links, tenants)
    app = web.Application()
    app.add_routes([web.get("/{token}", page.show, allow_head=False), web.post("/{token}", page.choose)])
    return app


def _kind_switches(wishes: Wishes) -> tuple[Switch, ...]:
    return tuple(
        Switch(name=kind, about=_KINDS[kind][0], more=_KINDS[kind][1], is_on=wishes.allows(kind))
        for kind in CONSENT_KINDS
    )


def _said(about: str, *, is_on: bool) -> str:
    return f"{about}: {'on' if is_on else 'off'} from now on."
