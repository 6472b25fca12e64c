"""Text messages against a server that speaks Twilio's wire protocol: forms in, JSON out, and its errors."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import pytest

from agents.channels.channel import Outcome
from agents.channels.sms import SmsChannel, TwilioAccount
from agents.embedded.ports import usable_port
from agents.web.status_links import status_url
from tests.integration.channels.correspondence import MESSAGE, Crossing
from tests.integration.channels.scripted_http import ScriptedHttp, listening_to

StatusUrl: TypeAlias = Callable[[str, str], str | None]
ACCOUNT = "AC" + "0a" * 16
SID = "SM" + "1b" * 16
TEXT = replace(
    MESSAGE, to_address="+4366012345678", from_address="+15005550006", text="Thirty days in a row, Ana & co."
)


class Twilio(ScriptedHttp):
    """Takes a message unless told otherwise."""

    def __init__(self) -> None:
        super().__init__(status=201, body={"sid": SID, "status": "queued", "error_code": None})

    @property
    def forms(self) -> list[dict[str, str]]:
        assert {asked.path for asked in self.asked} <= {f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"}
        return [dict(parse_qsl(asked.body.decode())) for asked in self.asked]

    @property
    def credentials(self) -> list[str]:
        sent = [asked.headers["Authorization"].removeprefix("Basic ") for asked in self.asked]
        return [base64.b64decode(one).decode() for one in sent]


@asynccontextmanager
async def served(twilio: Twilio, status_url: StatusUrl | None = None) -> AsyncIterator[SmsChannel]:
    async with listening_to(twilio) as base_url:
        account = TwilioAccount(account=ACCOUNT, token="secret", base_url=base_url)
        yield SmsChannel(lambda _tenant: account, status_url)


async def sent(twilio: Twilio, crossing: Crossing | None = None, **changes: Any) -> Outcome:
    async with served(twilio) as channel:
        return await channel.send(replace(TEXT, **changes), crossing or Crossing())


async def test_a_message_goes_out_as_a_form_with_the_accounts_credentials() -> None:
    twilio = Twilio()
    outcome = await sent(twilio)
    assert outcome == Outcome(kind="accepted", detail="status 201, queued", provider_id=SID)
    assert twilio.forms == [{"To": "+4366012345678", "From": "+15005550006", "Body": "Thirty days in a row, Ana & co."}]
    assert twilio.credentials == [f"{ACCOUNT}:secret"]


async def test_a_messaging_service_sends_under_its_own_name() -> None:
    twilio = Twilio()
    await sent(twilio, from_address="MG" + "2c" * 16)
    assert "From" not in twilio.forms[0]
    assert twilio.forms[0]["MessagingServiceSid"] == "MG" + "2c" * 16


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, 21211, "rejected", "the number is not valid"),
        (400, 21610, "rejected", "the person has replied STOP"),
        (400, 99999, "rejected", "code 99999"),
        (404, 20404, "rejected", "code 20404"),
        (401, 20003, "retry", "the account's credentials are not valid"),
        (403, 20003, "retry", "the account's credentials are not valid"),
        (429, 20429, "retry", "too many requests"),
        (500, 20500, "unknown", "code 20500"),
        (503, None, "unknown", "no code"),
    ],
)
async def test_an_error_is_told_in_our_words_and_without_the_number(
    status: int, code: int | None, kind: str, words: str
) -> None:
    twilio = Twilio()
    twilio.status, twilio.body = status, {"code": code, "message": "to +4366012345678", "status": status}
    outcome = await sent(twilio)
    assert (outcome.kind, outcome.detail) == (kind, f"status {status}: {words}")


async def test_a_message_that_twilio_takes_and_fails_at_once_is_rejected() -> None:
    twilio = Twilio()
    twilio.body = {"sid": SID, "status": "failed", "error_code": 21614}
    assert await sent(twilio) == Outcome(
        kind="rejected", detail="status 201: the number is not a mobile one", provider_id=SID
    )


@pytest.mark.parametrize(
    "body",
    [b"<html>Sign in</html>", b"", b"[1]", b"\xff", b"x" * 10_000_000],
    ids=["html", "none", "list", "no text", "10 MB"],
)
async def test_a_yes_that_is_not_twilios_leaves_it_unknown(body: bytes) -> None:
    twilio = Twilio()
    twilio.status, twilio.body = 200, body
    assert (await sent(twilio)).kind == "unknown"


async def test_a_redirect_is_not_followed() -> None:
    twilio = Twilio()
    twilio.status, twilio.headers = 307, {"Location": "http://127.0.0.1:9/elsewhere"}
    assert (await sent(twilio)).kind == "retry"
    assert len(twilio.forms) == 1


async def test_a_connection_that_breaks_after_the_request_leaves_it_unknown() -> None:
    twilio = Twilio()
    twilio.drop = True
    assert (await sent(twilio)).kind == "unknown"
    assert len(twilio.forms) == 1, "it is not sent again"


async def test_a_server_that_hangs_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.channels.http_answer._TOTAL_SECONDS", 0.2)
    twilio = Twilio()
    twilio.hang = True
    assert (await sent(twilio)).kind == "unknown"


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    account = TwilioAccount(account=ACCOUNT, token="secret", base_url=f"http://127.0.0.1:{usable_port()}")
    outcome = await SmsChannel(lambda _tenant: account).send(TEXT, Crossing())
    assert outcome.kind == "retry"


async def test_what_may_not_go_any_more_leaves_no_trace() -> None:
    twilio = Twilio()
    assert (await sent(twilio, Crossing(may_go=False))).kind == "retry"
    assert twilio.forms == []


async def test_a_text_that_is_too_long_is_refused_before_anything_is_asked() -> None:
    twilio, crossing = Twilio(), Crossing()
    outcome = await sent(twilio, crossing, text="a" * 1_531)
    assert outcome == Outcome(kind="rejected", detail="the text takes 11 segments, more than 10")
    assert (crossing.asked, twilio.forms) == (0, [])


async def test_a_tenant_without_its_token_waits_for_it() -> None:
    crossing = Crossing()
    outcome = await SmsChannel(lambda _tenant: None).send(TEXT, crossing)
    assert (outcome.kind, crossing.asked) == ("retry", 0)


def test_a_token_is_shown_nowhere() -> None:
    assert "secret" not in repr(TwilioAccount(account=ACCOUNT, token="secret", base_url="http://x.example"))


async def test_twilio_is_told_where_to_report_about_this_delivery() -> None:
    twilio = Twilio()
    async with served(twilio, partial(status_url, "https://cairn.example/")) as channel:
        await channel.send(TEXT, Crossing())
    assert twilio.forms[0]["StatusCallback"] == (
        f"https://cairn.example/v1/provider-events/{TEXT.tenant}/twilio?delivery={TEXT.delivery_id}"
    )


@pytest.mark.parametrize("public_url", ["http://localhost:8080", "http://127.0.0.1", "https://my_cairn.example", ""])
async def test_twilio_is_given_no_address_that_it_would_refuse_with_the_message(public_url: str) -> None:
    twilio = Twilio()
    async with served(twilio, partial(status_url, public_url)) as channel:
        await channel.send(TEXT, Crossing())
    assert "StatusCallback" not in twilio.forms[0]
