"""Approvals over HTTP: what waits for a coach, how it will look, and the answer, for operators and platforms.

It must never decide twice: who comes second is told who decided what, and when (409). Mounted in
the administration API, whose key it needs.

| request | meaning |
|---|---|
| `GET /tenants/T/approvals` | what waits, oldest first |
| `GET /tenants/T/approvals/ID` | one of them, with each message as it will look |
| `POST /tenants/T/approvals/ID/approve` | `{words?: {email: {subject, text}}, revision?}`: it goes, in these words |
| `POST /tenants/T/approvals/ID/decline` | `{reason, revision?}`: it does not go |
| `POST /tenants/T/approvals/ID/take-over` | `{revision?}`: a person does it, and gets a task |

ID is the celebration's. `revision`, if given, is the one that was shown: 409 if it has changed since.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StrictInt

from agents.approval_desk import ApprovalDesk, Month, Preview
from agents.ledger.approvals import Approval, Decided
from agents.web.keyed import Refused, author_of, read_body
from agents.web.problems import json, problem
from schemas.celebration import Approved
from schemas.client import Line
from streams.planning.approvals import Answer
from streams.planning.approved_words import UnfitWords, approved_words

_MAX_BODY_BYTES = 64 * 1024


class RevisionBody(BaseModel):
    """What `take-over` takes, if anything: the revision that was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: StrictInt | None = None


class TypedWords(BaseModel):
    """The words of one message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    text: str


class ApproveBody(RevisionBody):
    """What `approve` takes: words for the messages that are to go otherwise than shown."""

    words: dict[Literal["email", "in_app", "sms"], TypedWords] = {}


class DeclineBody(RevisionBody):
    """What `decline` takes."""

    reason: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownApproval:
    """An approval as the API shows it: `revision` is the one to answer with, `waiting` what no answer has settled."""

    celebration_id: str
    tenant: str
    client: str
    coach: str
    rule: str
    tier: str
    name: str
    revision: int
    state: str
    reason: str | None
    parts: tuple[str, ...]
    waiting: tuple[str, ...]
    cents: int
    asked_at: datetime
    escalate_at: datetime
    escalated_at: datetime | None
    close_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message as it will look; `missing` says why it could not be put into words."""

    channel: str
    subject: str
    text: str
    html: str
    paragraphs: tuple[str, ...]
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalWithMessages(ShownApproval):
    """An approval, all that goes when it is approved, and the budgets if that is money."""

    messages: tuple[ShownMessage, ...]
    month: Month | None


class _Approvals:
    """The handlers."""

    def __init__(self, desk: ApprovalDesk) -> None:
        self._desk = desk

    async def waiting(self, request: web.Request) -> web.Response:
        """What waits, oldest first."""
        found = await self._desk.waiting(request.match_info["tenant"])
        return json({"approvals": [asdict(approval) for approval in found]})

    async def look(self, request: web.Request) -> web.Response:
        """One approval with its messages; 404 if it is not this tenant's."""
        found = await self._desk.look(request.match_info["id"], tenant=request.match_info["tenant"])
        if found is None:
            return problem(HTTPStatus.NOT_FOUND)
        messages = [_message(preview) for preview in found.previews]
        approval = asdict(shown(found.approval))
        return json(ApprovalWithMessages(**approval, messages=tuple(messages), month=found.month))

    async def approve(self, request: web.Request) -> web.Response:
        """It goes."""
        body = await read_body(request, ApproveBody, max_bytes=_MAX_BODY_BYTES)
        return await self._answer(request, "approve", body, words=_words(body))

    async def decline(self, request: web.Request) -> web.Response:
        """It does not go."""
        body = await read_body(request, DeclineBody)
        return await self._answer(request, "decline", body, note=body.reason)

    async def take_over(self, request: web.Request) -> web.Response:
        """A person does it."""
        body = await read_body(request, RevisionBody) if request.can_read_body else RevisionBody()
        return await self._answer(request, "take_over", body)

    async def _answer(
        self,
        request: web.Request,
        answer: Answer,
        body: RevisionBody,
        *,
        words: Mapping[str, Approved] | None = None,
        note: str | None = None,
    ) -> web.Response:
        try:
            decided = await self._desk.answer(
                request.match_info["id"],
                answer,
                tenant=request.match_info["tenant"],
                author=author_of(request),
                words=words or {},
                note=note,
                revision=body.revision,
            )
        except UnfitWords as error:
            raise Refused(f"words.{error}") from None
        if decided is None:
            return problem(HTTPStatus.NOT_FOUND)
        if not decided.done:
            return problem(HTTPStatus.CONFLICT, what_happened(decided))
        return json(shown(decided.approval))


def approval_routes(desk: ApprovalDesk) -> tuple[web.RouteDef, ...]:
    """The routes to mount in the administration API."""
    approvals, one = _Approvals(desk), "/tenants/{tenant}/approvals/{id}"
    return (
        web.get("/tenants/{tenant}/approvals", approvals.waiting, allow_head=False),
        web.get(one, approvals.look, allow_head=False),
        web.post(f"{one}/approve", approvals.approve),
        web.post(f"{one}/decline", approvals.decline),
        web.post(f"{one}/take-over", approvals.take_over),
    )


def shown(approval: Approval) -> ShownApproval:
    """An approval as the API shows it."""
    return ShownApproval(
        celebration_id=approval.celebration_id,
        tenant=approval.tenant,
        client=approval.client,
        coach=approval.coach,
        rule=approval.milestone.rule,
        tier=approval.milestone.tier,
        name=approval.milestone.name,
        revision=approval.situation.asked_revision,
        state=approval.state,
        reason=approval.reason,
        parts=approval.parts,
        waiting=approval.situation.waiting,
        cents=approval.cents,
        asked_at=approval.asked_at,
        escalate_at=approval.escalate_at,
        escalated_at=approval.escalated_at,
        close_at=approval.close_at,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
    )


def what_happened(decided: Decided) -> str:
    """Why a decision does not count: who was first, and what they said."""
    approval = decided.approval
    if decided.stale:
        return "it has changed since it was shown: look at it again"
    at = f"{approval.decided_at:%Y-%m-%d %H:%M}Z" if approval.decided_at else "meanwhile"
    if approval.state == "closed":
        return f"closed {at}: {approval.reason}"
    return f"{approval.state} by {approval.decided_by}, {at}"


def _message(preview: Preview) -> ShownMessage:
    return ShownMessage(
        channel=preview.channel,
        subject=preview.subject,
        text=preview.text,
        html=preview.html,
        paragraphs=preview.words.paragraphs if preview.words else (),
        missing=preview.missing,
    )


def _words(body: ApproveBody) -> dict[str, Approved]:
    words: dict[str, Approved] = {}
    for channel, typed in body.words.items():
        try:
            words[channel] = approved_words(typed.subject, typed.text)
        except UnfitWords as error:
            raise Refused(f"words.{channel}: {error}") from None
    return words
