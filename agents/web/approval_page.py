"""The approval page: a coach sees what waits, changes words, and answers, from the link in a mail.

GET must never change anything, because mail scanners open every link: it shows buttons. POST
decides; the token is the credential (`agents.web.approval_links`), and an answer that a browser
says comes from another site is refused. Works without scripts, on a phone and by keyboard. The
mail is shown in a frame that may neither run nor reach anything. Mounted at `/a`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from agents.approval_desk import ApprovalDesk, Look
from agents.coach_letters import amount, client_called, moment_in_words, parts_in_words
from agents.tenants import TenantsNow
from agents.web.approval_links import ApprovalLinks, Asked
from agents.web.forms import read_form
from schemas.celebration import Approved
from streams.planning.approvals import MONEY, Answer, ending
from streams.planning.approved_words import UnfitWords, approved_words, visible
from streams.planning.compose import compose

State = Literal["unknown", "expired", "stranger", "open", "looked", "unfit", "stale", "over", "decided"]
_TITLES: Mapping[State, str] = {
    "unknown": "This link does not work",
    "expired": "This link is too old",
    "stranger": "Nothing was decided",
    "unfit": "Not quite yet",
    "stale": "Look at it once more",
}
_STATUS: Mapping[State, HTTPStatus] = {
    "unknown": HTTPStatus.NOT_FOUND,
    "expired": HTTPStatus.GONE,
    "stranger": HTTPStatus.FORBIDDEN,
    "unfit": HTTPStatus.UNPROCESSABLE_ENTITY,
    "stale": HTTPStatus.CONFLICT,
    "over": HTTPStatus.CONFLICT,
}
_MAX_BODY_BYTES = 64 * 1024
_REVISION = re.compile(r"[0-9]{0,9}")
_NOTE_CHARS = 200
_SUBJECT_CHARS = 60
_NAMES = {"email": "the mail", "in_app": "the message in the app", "sms": "the text message"}
_ANSWERS = frozenset({"approve", "decline", "take_over"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",  # `no-referrer` would make the browser's own answer come from nowhere
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_HAPPENED = {
    "approved": ("It is on its way", "It goes as soon as the hour is right for it, in the words below."),
    "declined": ("It will not go", "Nothing of what waited here is sent."),
    "taken_over": ("It is yours", "The machine keeps out of it. The task waits in your list."),
}
_CLOSED = {
    "approval_over": "Nobody answered in time. It went without the gift card; if there was one, it is a task now.",
    "erased": "The data of this client was erased, so nothing is sent.",
    "retracted": "A correction of the records took the milestone back, so nothing is sent.",
    "revised": "The record was corrected in the meantime. What is left to do is in the task list.",
    "replanned": "The record was corrected in the meantime, and the answer was planned anew.",
    "nothing_waits": "What waited here was stopped in the meantime.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What a form holds: the words as they stand in the fields, and those that differ from what is shown."""

    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    words: Mapping[str, Approved] = field(default_factory=dict)


class ApprovalPage:
    """The handlers of the page.

    Args:
        desk: shows and decides.
        links: reads tokens.
        tenants: by id; a coach who is not among a tenant's any more opens nothing.
        public_url: where the page is reached from outside.
    """

    def __init__(self, desk: ApprovalDesk, links: ApprovalLinks, tenants: TenantsNow, public_url: str) -> None:
        self._desk = desk
        self._links = links
        self._tenants = tenants
        self._host = urlsplit(public_url).netloc
        source = Path(__file__).parent / "pages" / "approval.html.j2"
        environment = Environment(undefined=StrictUndefined, autoescape=True)
        self._template = environment.from_string(source.read_text(encoding="utf-8"))

    async def show(self, request: web.Request) -> web.Response:
        """`GET /{token}`: what waits, or what became of it."""
        asked = self._asked(request)
        return self._bare(asked) if isinstance(asked, str) else await self._shown(asked, "open")

    async def choose(self, request: web.Request) -> web.Response:
        """`POST /{token}`: an answer, or a look at the changed words; the first answer counts."""
        asked = self._asked(request)
        if isinstance(asked, str):
            return self._bare(asked)
        if not self._is_ours(request):
            return self._bare("stranger")
        form = await read_form(request, _MAX_BODY_BYTES)
        if not _REVISION.fullmatch(form.get("revision", "")):
            raise web.HTTPBadRequest
        try:
            typed = _typed(form)
            if form.get("choice") in _ANSWERS:
                return await self._answered(asked, form, typed)
        except UnfitWords as error:
            return await self._shown(asked, "unfit", _Typed(fields=_fields(form)), str(error))
        return await self._shown(asked, "looked", typed)

    async def _answered(self, asked: Asked, form: Mapping[str, str], typed: _Typed) -> web.Response:
        revision, note = form.get("revision", ""), visible(form.get("note", ""))[:_NOTE_CHARS]
        decided = await self._desk.answer(
            asked.celebration_id,
            cast("Answer", form["choice"]),
            tenant=asked.tenant,
            author=asked.coach,
            words=typed.words,
            note=note or None,
            revision=int(revision) if revision else None,
        )
        if decided is None:
            return self._bare("unknown")
        return await self._shown(asked, "decided" if decided.done else "stale" if decided.stale else "over")

    def _asked(self, request: web.Request) -> Asked | Literal["unknown", "expired"]:
        asked = self._links.read(request.match_info["token"])
        if isinstance(asked, str):
            return asked
        tenant = self._tenants().get(asked.tenant)
        is_coach = tenant is not None and any(coach.id == asked.coach for coach in tenant.coaches)
        return asked if is_coach else "unknown"

    def _is_ours(self, request: web.Request) -> bool:
        """Whether the page itself sent this, as far as the browser says (Fetch Metadata; the Origin header)."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc in {self._host, request.host}

    async def _shown(
        self, asked: Asked, state: State, typed: _Typed | None = None, fault: str | None = None
    ) -> web.Response:
        typed = typed or _Typed()
        look = await self._desk.look(asked.celebration_id, tenant=asked.tenant, words=typed.words)
        if look is None:
            return self._bare("unknown")
        is_open = look.approval.state == "open" and ending(look.approval.situation) is None
        if not is_open and state != "over":
            state = "decided"
        values = _values(look, asked) | _ended(look)
        title = _TITLES.get(state) or (values["question"] if is_open else values["answered"])
        return self._page(state, {**values, "title": title, "typed": typed.fields, "fault": fault, "is_open": is_open})

    def _bare(self, state: State) -> web.Response:
        return self._page(state, {"title": _TITLES[state], "practice": None})

    def _page(self, state: State, values: Mapping[str, object]) -> web.Response:
        html = self._template.render(state=state, **values)
        status = _STATUS.get(state, HTTPStatus.OK)
        return web.Response(status=status, text=html, content_type="text/html", headers=_HEADERS)


def approval_page_app(
    desk: ApprovalDesk, *, links: ApprovalLinks, tenants: TenantsNow, public_url: str
) -> web.Application:
    """The application to mount at `/a`; the arguments are those of `ApprovalPage`."""
    page = ApprovalPage(desk, links, tenants, public_url)
    app = web.Application()
    app.add_routes([web.get("/{token}", page.show, allow_head=False), web.post("/{token}", page.choose)])
    return app


def _fields(form: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        channel: (form.get(f"subject.{channel}", ""), form[f"text.{channel}"].replace("\r\n", "\n"))
        for channel in _NAMES
        if f"text.{channel}" in form
    }


def _typed(form: Mapping[str, str]) -> _Typed:
    """The words in the fields, which are those that the coach saw.

    Raises:
        UnfitWords: they cannot go; nobody declines or takes over for the sake of words.
    """
    fields = _fields(form)
    if form.get("choice") in {"decline", "take_over"}:
        return _Typed(fields=fields)
    words: dict[str, Approved] = {}
    for channel, (subject, text) in fields.items():
        try:
            if subject or text:
                words[channel] = approved_words(subject or _subject(channel, text), text)
        except UnfitWords as error:
            raise UnfitWords(f"{error} ({_NAMES[channel]})") from None
    return _Typed(fields=fields, words=words)


def _subject(channel: str, text: str) -> str:
    """A text message has no subject; its first words are called so."""
    return text[:_SUBJECT_CHARS] if channel == "sms" else ""


def _values(look: Look, asked: Asked) -> dict[str, object]:
    """What the page says of an approval that waits."""
    approval, tenant = look.approval, look.tenant
    words = compose(approval.milestone, profile=None, coach=None, tenant_name=tenant.name, tenant_zone="UTC")
    waiting = approval.situation.waiting
    is_money_alone, worth = MONEY.issuperset(waiting), amount(approval.cents, tenant)
    called = client_called(approval.profile)
    return {
        "practice": tenant.name,
        "question": f"{worth} for {called}?" if is_money_alone else f"A word to {called}?",
        "who": client_called(approval.profile, at_start=True),
        "called": called,
        "name": words["name"],
        "about": words.get("title"),
        "waiting": parts_in_words(approval, tenant),
        "is_money_alone": is_money_alone,
        "has_money": bool(MONEY.intersection(waiting)),
        "closes": moment_in_words(approval.close_at, tenant.coach(asked.coach)),
        "suppressed": approval.suppressed,
        "beyond_budget": look.beyond_budget,
        "revision": approval.situation.asked_revision,
        "yes": f"Give the {worth}" if is_money_alone else "Send it",
        "previews": look.previews,
    }


def _ended(look: Look) -> dict[str, object]:
    """What the page says of one that is decided or closed."""
    approval = look.approval
    reason = approval.reason or ending(approval.situation) or ""
    answered, told = _HAPPENED.get(approval.state, ("This is closed", _CLOSED.get(reason, "")))
    if approval.state == "approved" and not look.previews:
        told = "It goes as soon as the hour is right for it."
    by = None
    if approval.decided_by and approval.decided_at:
        coach = next((coach for coach in look.tenant.coaches if coach.id == approval.decided_by), None)
        at = moment_in_words(approval.decided_at, coach or look.tenant.coaches[0])
        by = f"Decided by {coach.name if coach else approval.decided_by}, {at}."
    return {"answered": answered, "told": told, "by": by}
