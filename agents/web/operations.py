"""Operations: every request that the public port answers, for `agents.web.openapi` to write down.

A row must never promise less than the service answers: the routes are compared with it, and so is every answer that
a fuzzer gets, in status, media type and fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agents.ledger.approvals import Waiting
from agents.ledger.brakes import Held
from agents.ledger.links import Carried, Link
from agents.ledger.story import Story
from agents.ledger.tasks import Task
from agents.ledger.unknowns import Unknown
from agents.web.admin import ReasonBody, SuppressionBody
from agents.web.admin_approvals import ApprovalWithMessages, ApproveBody, DeclineBody, RevisionBody, ShownApproval
from agents.web.admin_links import LinkBody
from agents.web.inbox import InboxPage, PageLimit
from agents.web.preferences import ClientPreferences, WishesBody
from agents.web.unknowns import RulingBody
from schemas.policy import ChannelName
from schemas.rule_words import Slug

Tag = Literal["hooks", "administration", "inbox", "preferences", "providers", "pages"]
Media = Literal["text/html", "application/pdf", "image/png", "text/javascript", "text/event-stream", "text/xml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What became of a hook, in a word for people; the status says it to programs."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldList:
    """What is held, oldest first."""

    held: list[Held]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownList:
    """What may or may not have been sent, oldest first."""

    unknown: list[Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """What is left to coaches, oldest first."""

    tasks: list[Task]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkList:
    """Links, newest first."""

    links: list[Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingList:
    """What waits for a coach, oldest first."""

    approvals: list[Waiting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request and its answers.

    Attributes:
        name: unique; what a generated client calls it.
        body: a type in JSON, `FORM`, `SIGNED`, or None.
        query: the type of each parameter that may stand in the query.
        answers: by status; a type in JSON, a media type, or None for no body.
        problems: the statuses that are answered with a `Problem`.
    """

    method: Literal["get", "post", "put", "delete"]
    path: str
    name: str
    tag: Tag
    summary: str
    answers: Mapping[int, Any]
    problems: tuple[int, ...] = (503,)
    body: Any = None
    body_is_needed: bool = True
    query: Mapping[str, Any] = field(default_factory=dict)


_T: Final = "/v1/admin/tenants/{tenant}"
_C: Final = f"{_T}/clients/{{client}}"
_A: Final = f"{_T}/approvals/{{id}}"
_KEYED: Final = (400, 401, 403, 404, 429, 503)
_WITH_BODY: Final = (*_KEYED, 413)
_ANSWERED: Final = (*_WITH_BODY, 409)
_READS: Final = (400, 401, 429, 503)
_SCOPE: Final = MappingProxyType({"channel": ChannelName, "rule": Slug})
_PAGE: Final = MappingProxyType({200: "text/html", 404: "text/html"})
_KEPT: Final = MappingProxyType({**_PAGE, 410: "text/html"})
FORM: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
"""The media types of a form."""

SIGNED: Final = ("application/json", *FORM)
"""What vendors sign: JSON of any type, or a form."""


def _admin(method: Any, path: str, name: str, summary: str, answer: Any = None, **more: Any) -> Operation:
    answers = more.pop("answers", {204: None} if answer is None else {200: answer})
    problems = more.pop("problems", _WITH_BODY if "body" in more else _KEYED)
    return Operation(
        method=method, path=path, name=name, tag="administration", summary=summary, answers=answers, problems=problems,
        **more,
    )  # fmt: skip


def _page(method: Any, path: str, name: str, summary: str, answers: Mapping[int, Any] = _PAGE) -> Operation:
    body = FORM if method == "post" else None
    problems = (400, 413, 503) if body else (503,)
    return Operation(
        method=method, path=path, name=name, tag="pages", summary=summary, answers=answers, problems=problems,
        body=body, body_is_needed=False,
    )  # fmt: skip


OPERATIONS: Final = (
    Operation(
        method="post", path="/hooks/{tenant}/{source}/{secret}", name="takeHook", tag="hooks", body=SIGNED,
        summary="What a tool tells, signed as its vendor signs; docs/connect.md has a table of them.",
        answers=dict.fromkeys((202, 400, 401, 404, 408, 413, 429, 503), HookAnswer), problems=(),
    ),
    _admin("put", f"{_C}/suppression", "suppress", "Nothing goes to the client from now on.", body=SuppressionBody),
    _admin("delete", f"{_C}/suppression", "unsuppress", "Lift the suppression."),
    _admin("delete", _C, "eraseClient", "Erase the client everywhere; other processes follow.", answers={202: None}),
    _admin("get", f"{_C}/why", "tellWhy", "What was reached, sent and not sent, and why.", Story,
           query={"milestone": Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]}),
    _admin("post", f"{_C}/links", "linkClients", "The client of the body is this one from now on.", Carried,
           body=LinkBody, problems=_ANSWERED),
    _admin("get", f"{_C}/links", "listLinks", "Who is linked to the client, or to whom they are.", LinkList),
    _admin("put", f"{_T}/pause", "pauseTenant", "Nothing of the tenant goes, or of a channel or rule of it.",
           body=ReasonBody, query=_SCOPE),
    _admin("delete", f"{_T}/pause", "resumeTenant", "Lift the pause of exactly this scope.", query=_SCOPE),
    _admin("put", "/v1/admin/pause", "pauseAll", "Nothing goes, of any tenant; with a key for all.",
           body=ReasonBody, query=_SCOPE),
    _admin("delete", "/v1/admin/pause", "resumeAll", "Lift the pause of exactly this scope.", query=_SCOPE),
    _admin("get", f"{_T}/held", "listHeld", "What is held, and why.", HeldList),
    _admin("get", f"{_T}/tasks", "listTasks", "What is left to coaches.", TaskList),
    _admin("post", f"{_T}/tasks/{{task}}/done", "closeTask", "A coach did it."),
    _admin("get", f"{_T}/unknown", "listUnknown", "What may or may not have been sent.", UnknownList),
    _admin("post", f"{_T}/unknown/{{delivery}}", "resolveUnknown", "Say what became of it.", body=RulingBody,
           problems=_ANSWERED),
    _admin("get", f"{_T}/approvals", "listApprovals", "What waits for a coach.", WaitingList),
    _admin("get", _A, "showApproval", "One approval, with each message as it will look.", ApprovalWithMessages),
    _admin("post", f"{_A}/approve", "approve", "It goes, in these words where some are given.", ShownApproval,
           body=ApproveBody, problems=_ANSWERED),
    _admin("post", f"{_A}/decline", "decline", "It does not go.", ShownApproval, body=DeclineBody, problems=_ANSWERED),
    _admin("post", f"{_A}/take-over", "takeOver", "A person does it, and gets a task.", ShownApproval,
           body=RevisionBody, body_is_needed=False, problems=_ANSWERED),
    Operation(
        method="get", path="/v1/inbox", name="listInbox", tag="inbox", query={"limit": PageLimit, "after": str},
        summary="What the client reads in the app, newest first.", answers={200: InboxPage}, problems=_READS,
    ),
    Operation(
        method="get", path="/v1/inbox/events", name="followInbox", tag="inbox", problems=_READS,
        summary="Server-sent events: each tells how many items are unread.", answers={200: "text/event-stream"},
    ),
    Operation(
        method="post", path="/v1/inbox/{item}/read", name="markRead", tag="inbox", problems=(*_READS, 404),
        summary="The client has read it.", answers={204: None},
    ),
    Operation(
        method="get", path="/v1/preferences", name="showPreferences", tag="preferences", problems=(*_READS, 404),
        summary="What the client gets and has agreed to.", answers={200: ClientPreferences},
    ),
    Operation(
        method="put", path="/v1/preferences", name="changePreferences", tag="preferences", body=WishesBody,
        summary="What is named changes.", answers={200: ClientPreferences}, problems=(*_READS, 404, 413),
    ),
    Operation(
        method="post", path="/v1/provider-events/{tenant}/{provider}", name="takeProviderEvents", tag="providers",
        summary="What became of messages, signed as the provider signs.", body=SIGNED, answers={204: None},
        problems=(400, 403, 408, 413, 500, 503),
    ),
    Operation(
        method="post", path="/v1/replies/{tenant}", name="takeReply", tag="providers", body=FORM,
        summary="What somebody answers to a text message, as Twilio hands it on.", answers={200: "text/xml"},
        problems=(400, 403, 413, 503),
    ),
    _page("get", "/u/{token}", "showUnsubscribe", "The way out of a mail: a button."),
    _page("post", "/u/{token}", "unsubscribe", "Leave or come back; RFC 8058 as well."),
    _page("get", "/p/{token}", "showPreferencePage", "What a client gets, with a switch for each."),
    _page("post", "/p/{token}", "flipPreference", "Flip one switch."),
    _page("get", "/a/{token}", "showApprovalPage", "A question to a coach.", _KEPT),
    _page("post", "/a/{token}", "answerApprovalPage", "The coach's answer.", _KEPT),
    _page("get", "/c/{token}", "showCertificate", "A certificate, and that it holds.", _KEPT),
    _page("get", "/c/{token}.pdf", "downloadCertificate", "The same on paper.", {**_KEPT, 200: "application/pdf"}),
    _page("get", "/b/{token}", "showBadge", "A badge.", _KEPT),
    _page("get", "/b/{token}-{size}.png", "downloadBadge", "Its picture.", {**_KEPT, 200: "image/png"}),
    _page("get", "/v/{token}", "showVideo", "A video with its captions.", _KEPT),
    _page("get", "/r/{token}", "followReferral", "On to the practice, with the client's code.",
          {302: None, 404: "text/html", 410: "text/html"}),
    Operation(
        method="get", path="/assets/cairn-inbox.js", name="loadInboxComponent", tag="pages", problems=(),
        summary="The inbox as a web component; `If-None-Match` saves the way.",
        answers={200: "text/javascript", 304: None},
    ),
)  # fmt: skip
"""In the order in which the document has them."""
