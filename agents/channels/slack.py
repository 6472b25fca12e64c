"""Slack: one post in a tenant's channel, by an incoming webhook or as a bot, with an outcome that is true.

It must never post twice by itself, ring anybody, unfold a link, or show the webhook's address,
which is a secret.

Theory of operation: neither way has an idempotency key, so the request is the point of no return.
Slack takes one post a second in a channel ("Rate limits"): a post waits its turn before that
point, and when Slack asks for silence (429 with `Retry-After`), the channel is silent for as long
as it says. What an operator mends, such as a token, a webhook that is gone or an archived channel,
may be tried again; what is wrong with the post is `rejected`. A 5xx, a time-out, a broken connection
and an answer that is none of Slack's leave it `unknown`, and so do errors of Slack's own, after
which part of the work may be done ("chat.postMessage", "Sending messages using incoming webhooks").
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import msgspec
from aiolimiter import AsyncLimiter

from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.channels.http_answer import Answer, NoAnswer, NotConnected, ask
from agents.channels.slack_text import MAX_CHARS, escaped

WEBHOOK_FILE: Final = "slack.webhook"
"""The name of the secret that is an incoming webhook's address."""
TOKEN_FILE: Final = "slack.token"  # noqa: S105 - a file's name
"""The name of the secret that is a bot's token."""

_SECONDS_A_POST: Final = 1.0
_TURN_SECONDS: Final = 2.0
"""The longest that a post waits for its turn: the places in which posts wait are those of all tenants."""
_DEFAULT_SILENCE_SECONDS: Final = 30.0
_MENDABLE: Final = MappingProxyType({
    "access_denied": "Slack refuses the bot",
    "account_inactive": "the bot's token belongs to nobody any more",
    "action_prohibited": "an administrator does not let the webhook post",
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "there is no such channel, or the bot does not see it",
    "ekm_access_denied": "an administrator has suspended posting",
    "invalid_auth": "the token is not valid",
    "invalid_token": "the webhook's address is not valid",
    "is_archived": "the channel is archived",
    "missing_scope": "the bot lacks the scope chat:write",
    "no_active_hooks": "the webhook is switched off",
    "no_permission": "the bot may not post",
    "no_service": "the webhook was removed or is switched off",
    "no_service_id": "the webhook's address is not whole",
    "no_team": "the webhook's workspace is gone",
    "not_authed": "no token came through",
    "not_in_channel": "the bot is not in the channel: invite it",
    "posting_to_general_channel_denied": "an administrator keeps the general channel closed",
    "ratelimited": "too many posts",
    "rate_limited": "too many posts",
    "restricted_action": "a setting of the workspace keeps the bot from posting",
    "team_access_not_granted": "the bot was not let into the workspace",
    "team_disabled": "the workspace is switched off",
    "token_expired": "the token has expired",
    "token_revoked": "the token was revoked",
})  # fmt: skip
_MENDABLE_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
_POSTS_FAULT: Final = MappingProxyType({
    "invalid_arguments": "Slack does not understand the post",
    "invalid_payload": "Slack does not understand the post",
    "msg_too_long": "the post is too long",
    "no_text": "the post is empty",
    "too_many_attachments": "the post has too many attachments",
    "user_not_found": "there is no such person",
})  # fmt: skip
_SLACKS_FAULT: Final = frozenset({
    "fatal_error", "internal_error", "request_timeout", "rollup_error", "service_unavailable", "team_added_to_org",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPlace:
    """Where a tenant's wins are posted.

    Attributes:
        url: the webhook's address, or that of `chat.postMessage`.
        token: the bot's; None with a webhook.
        channel: the channel's id; None with a webhook, which knows its own.
    """

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    channel: str | None = None


class SlackChannel:
    """The channel `slack`.

    Args:
        place_of: where a tenant posts, with its secret as it is now; None when it has none.
    """

    name = "slack"

    def __init__(self, place_of: Callable[[str], SlackPlace | None]) -> None:
        self._place_of = place_of
        self._turns: dict[tuple[str, str], AsyncLimiter] = {}
        self._silent_until: dict[tuple[str, str], float] = {}

    async def send(self, message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        """Post one message; see `agents.channels.channel.Channel`."""
        place = self._place_of(message.tenant)
        if place is None:
            return Outcome(kind="retry", detail="the tenant has no Slack webhook and no bot")
        text = escaped(message.text)
        if len(text) > MAX_CHARS:
            return Outcome(kind="rejected", detail=f"the post has more than {MAX_CHARS} characters")
        where = (message.tenant, place.channel or place.url)
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turn(where)
        except TimeoutError:
            return Outcome(kind="retry", detail="the channel is silent for now: too many posts")
        if not await point_of_no_return():
            return Outcome(kind="retry", detail="withdrawn before anything was posted")
        return await self._post(place, text, where)

    async def _post(self, place: SlackPlace, text: str, where: tuple[str, str]) -> Outcome:
        try:
            answer = await _asked(place, text)
        except NotConnected as error:
            return Outcome(kind="retry", detail=str(error))
        except NoAnswer as error:
            return Outcome(kind="unknown", detail=str(error))
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            silence_seconds = answer.retry_after_seconds or _DEFAULT_SILENCE_SECONDS
            self._silent_until[where] = time.monotonic() + silence_seconds
        return _of_bot(answer) if place.token else _of_webhook(answer)

    async def _turn(self, where: tuple[str, str]) -> None:
        """Wait until the channel may be posted in: a post a second, and silence for as long as it was asked for.

        Raises:
            TimeoutError: that is too long to wait here.
        """
        turns = self._turns.setdefault(where, AsyncLimiter(1, _SECONDS_A_POST))
        await turns.acquire()
        while (left := self._silent_until.get(where, 0.0) - time.monotonic()) > 0:
            if left > _TURN_SECONDS:
                raise TimeoutError
            await asyncio.sleep(left)
            await turns.acquire()


async def _asked(place: SlackPlace, text: str) -> Answer:
    post = {
        "text": text,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if place.channel:
        post["channel"] = place.channel
    if place.token:
        headers["Authorization"] = f"Bearer {place.token}"
    return await ask("POST", place.url, headers=headers, data=msgspec.json.encode(post))


def _of_webhook(answer: Answer) -> Outcome:
    """A webhook answers with a word, and with a status that fits it."""
    if answer.status == HTTPStatus.OK and answer.body.strip() == b"ok":
        return Outcome(kind="accepted", detail="status 200")
    return _refused(answer, answer.body.strip().decode("ascii", "replace"), says_no=answer.is_refusal)


def _of_bot(answer: Answer) -> Outcome:
    """The Web API answers 200 with `ok`, and says in `error` why not."""
    said = answer.said
    if answer.status == HTTPStatus.OK and said.get("ok") is True:
        stamp, channel = said.get("ts"), said.get("channel")
        provider_id = f"{channel}/{stamp}" if isinstance(stamp, str) and isinstance(channel, str) else None
        return Outcome(kind="accepted", detail="status 200", provider_id=provider_id)
    says_no = answer.is_refusal or (answer.status == HTTPStatus.OK and said.get("ok") is False)
    return _refused(answer, str(said.get("error")), says_no=says_no)


def _refused(answer: Answer, error: str, *, says_no: bool) -> Outcome:
    """Why nothing was posted, if that is what was said; in our words, since Slack's may be anybody's page."""
    status = f"status {answer.status}"
    if answer.is_redirect:
        return Outcome(kind="retry", detail=f"{status}: the address points elsewhere")
    if not says_no or error in _SLACKS_FAULT:
        return Outcome(kind="unknown", detail=f"{status}, and no answer that says whether it was posted")
    if error in _MENDABLE or answer.status in _MENDABLE_STATUSES:
        return Outcome(kind="retry", detail=f"{status}: {_MENDABLE.get(error, 'refused for now')}")
    return Outcome(kind="rejected", detail=f"{status}: {_POSTS_FAULT.get(error, 'refused for another reason')}")
