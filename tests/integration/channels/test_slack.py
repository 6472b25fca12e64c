"""Posts against a server that speaks as Slack does: a webhook's words, the Web API's `ok`, and their errors."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.channels.channel import Outcome
from agents.channels.slack import SlackChannel, SlackPlace
from agents.channels.slack_text import escaped
from agents.embedded.ports import usable_port
from tests.integration.channels.correspondence import MESSAGE, Crossing
from tests.integration.channels.scripted_http import ScriptedHttp, listening_to

POST = replace(MESSAGE, delivery_id="4f2a:slack", to_address="", subject="", html="", text="Ana: 30 days & more")
TAKEN = {"ok": True, "channel": "C0123456789", "ts": "1503435956.000247", "message": {"text": "Ana"}}


def webhook(base_url: str) -> SlackPlace:
    return SlackPlace(url=f"{base_url}/services/T0/B0/secret")


def bot(base_url: str) -> SlackPlace:
    return SlackPlace(url=f"{base_url}/api/chat.postMessage", token="xoxb-secret", channel="C0123456789")


async def posted(slack: ScriptedHttp, *, by_bot: bool = False, crossing: Crossing | None = None, **x: Any) -> Outcome:
    async with listening_to(slack) as base_url:
        place = (bot if by_bot else webhook)(base_url)
        return await SlackChannel(lambda _tenant: place).send(replace(POST, **x), crossing or Crossing())


async def test_a_webhook_is_given_the_text_and_nothing_unfolds_or_rings() -> None:
    slack = ScriptedHttp(body=b"ok")
    assert await posted(slack) == Outcome(kind="accepted", detail="status 200")
    (asked,) = slack.asked
    assert (asked.method, asked.path) == ("POST", "/services/T0/B0/secret")
    assert asked.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Authorization" not in asked.headers
    assert json.loads(asked.body) == {
        "text": "Ana: 30 days &amp; more",
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


async def test_a_bot_posts_into_its_channel_with_its_token() -> None:
    slack = ScriptedHttp(body=TAKEN)
    outcome = await posted(slack, by_bot=True)
    assert outcome == Outcome(kind="accepted", detail="status 200", provider_id="C0123456789/1503435956.000247")
    (asked,) = slack.asked
    assert (asked.path, asked.headers["Authorization"]) == ("/api/chat.postMessage", "Bearer xoxb-secret")
    assert json.loads(asked.body)["channel"] == "C0123456789"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<!channel> Ana", "&lt;!channel&gt; Ana"),
        ("<@U024BE7LH> & <https://x.example|here>", "&lt;@\u2060U024BE7LH&gt; &amp; &lt;https://x.example|here&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("@channel, @here (@ana)", "@\u2060channel, @\u2060here (@\u2060ana)"),
        ("ana@clients.example meets @ noon", "ana@clients.example meets @ noon"),
        ("Grüße 🌊", "Grüße 🌊"),
    ],
)
def test_whatever_a_name_holds_it_stays_words(text: str, seen: str) -> None:
    assert escaped(text) == seen


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b"invalid_payload", "rejected", "Slack does not understand the post"),
        (400, b"too_many_attachments", "rejected", "the post has too many attachments"),
        (400, b"ana_berger", "rejected", "refused for another reason"),
        (403, b"action_prohibited", "retry", "an administrator does not let the webhook post"),
        (403, b"Ana", "retry", "refused for now"),
        (404, b"no_service", "retry", "the webhook was removed or is switched off"),
        (404, b"channel_not_found", "retry", "there is no such channel, or the bot does not see it"),
        (404, b"<html>Ana</html>", "rejected", "refused for another reason"),
        (410, b"channel_is_archived", "retry", "the channel is archived"),
        (429, b"rate_limited", "retry", "too many posts"),
    ],
)
async def test_what_a_webhook_refuses_is_told_in_our_words(status: int, body: bytes, kind: str, words: str) -> None:
    outcome = await posted(ScriptedHttp(status=status, body=body))
    assert outcome == Outcome(kind=kind, detail=f"status {status}: {words}")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ("invalid_auth", "retry", "the token is not valid"),
        ("not_in_channel", "retry", "the bot is not in the channel: invite it"),
        ("is_archived", "retry", "the channel is archived"),
        ("ratelimited", "retry", "too many posts"),
        ("msg_too_long", "rejected", "the post is too long"),
        ("ana_berger", "rejected", "refused for another reason"),
    ],
)
async def test_what_a_bot_may_not_is_told_in_our_words(error: str, kind: str, words: str) -> None:
    outcome = await posted(ScriptedHttp(body={"ok": False, "error": error}), by_bot=True)
    assert outcome == Outcome(kind=kind, detail=f"status 200: {words}")  # type: ignore[arg-type]


@pytest.mark.parametrize("by_bot", [False, True])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"rollup_error"),
        (200, {"ok": False, "error": "internal_error"}),
        (200, {"ok": "yes"}),
        (200, b"<html>Sign in</html>"),
        (200, b"invalid_payload"),
        (200, b""),
        (200, b"[1]"),
        (200, b"\xff"),
        (200, b"x" * 10_000_000),
        (503, b"no_service"),
    ],
    ids=["500", "of its own", "no yes", "html", "a word that fits no 200", "none", "list", "no text", "10 MB", "503"],
)
async def test_an_answer_that_says_neither_leaves_it_unknown(status: int, body: object, by_bot: bool) -> None:
    outcome = await posted(ScriptedHttp(status=status, body=body), by_bot=by_bot)
    assert outcome.kind == "unknown"


@pytest.mark.parametrize("fault", ["hang", "drop"])
async def test_silence_after_the_request_leaves_it_unknown(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.channels.http_answer._TOTAL_SECONDS", 0.3)
    slack = ScriptedHttp(hang=fault == "hang", drop=fault == "drop")
    assert (await posted(slack)).kind == "unknown"
    assert len(slack.asked) == 1, "it is not posted again"


async def test_a_redirect_is_not_followed() -> None:
    slack = ScriptedHttp(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    assert (await posted(slack, by_bot=True)).kind == "retry"
    assert len(slack.asked) == 1


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:{port}", "ftp://x.example", "no address"])
async def test_a_server_that_is_not_there_may_be_tried_again(base_url: str) -> None:
    place = webhook(base_url.format(port=usable_port()))
    assert (await SlackChannel(lambda _tenant: place).send(POST, Crossing())).kind == "retry"


async def test_a_channel_takes_one_post_at_a_time_and_no_other_channel_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.channels.slack._SECONDS_A_POST", 3_600.0)
    monkeypatch.setattr("agents.channels.slack._TURN_SECONDS", 0.05)
    slack, crossing = ScriptedHttp(body=b"ok"), Crossing()
    async with listening_to(slack) as base_url:
        channel = SlackChannel(lambda tenant: SlackPlace(url=f"{base_url}/{tenant[:1]}"))
        outcomes = [
            await channel.send(replace(POST, tenant=tenant), crossing) for tenant in ("north", "north", "nord", "south")
        ]
    assert [outcome.kind for outcome in outcomes] == ["accepted", "retry", "accepted", "accepted"]
    assert crossing.asked == 3, "who waits has not passed the point of no return"


async def test_a_channel_is_silent_for_as_long_as_slack_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.channels.slack._SECONDS_A_POST", 0.001)
    monkeypatch.setattr("agents.channels.slack._TURN_SECONDS", 0.05)
    slack = ScriptedHttp(status=429, body={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "30"})
    async with listening_to(slack) as base_url:
        channel = SlackChannel(lambda _tenant: bot(base_url))
        outcomes = [await channel.send(POST, Crossing()) for _ in range(3)]
        slack.headers["Retry-After"] = "1"
        await channel.send(replace(POST, tenant="south"), Crossing())
    assert {outcome.kind for outcome in outcomes} == {"retry"}
    assert len(slack.asked) == 2, "one of each tenant: the others were not asked"


async def test_after_the_silence_posts_go_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.channels.slack._SECONDS_A_POST", 0.001)
    slack = ScriptedHttp(status=429, body=b"rate_limited", headers={"Retry-After": "1"})
    async with listening_to(slack) as base_url:
        channel = SlackChannel(lambda _tenant: webhook(base_url))
        assert (await channel.send(POST, Crossing())).kind == "retry"
        slack.status, slack.body = 200, b"ok"
        assert (await channel.send(POST, Crossing())).kind == "accepted"


async def test_what_may_not_go_any_more_leaves_no_trace() -> None:
    slack = ScriptedHttp(body=b"ok")
    assert (await posted(slack, crossing=Crossing(may_go=False))).kind == "retry"
    assert slack.asked == []


async def test_a_post_that_slack_would_cut_off_is_refused_before_anything_is_asked() -> None:
    slack, crossing = ScriptedHttp(body=b"ok"), Crossing()
    assert (await posted(slack, crossing=crossing, text="&" * 10_000)).kind == "rejected"
    assert (crossing.asked, slack.asked) == (0, [])


async def test_a_tenant_without_its_secret_waits_for_it() -> None:
    crossing = Crossing()
    assert (await SlackChannel(lambda _tenant: None).send(POST, crossing)).kind == "retry"
    assert crossing.asked == 0


def test_neither_token_nor_webhook_is_shown() -> None:
    for place in (webhook("http://x.example"), bot("http://x.example")):
        assert "secret" not in repr(place)
