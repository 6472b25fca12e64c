from dataclasses import replace

import pytest

from agents.channels.channel import Outcome
from tests.integration.channels.correspondence import MESSAGE, Crossing, channel_to, send_to
from tests.integration.channels.scripted_smtp import DROP, DROP_UNREAD, HANG, scripted_smtp


async def test_a_mail_is_accepted_with_the_name_that_the_server_gave_it() -> None:
    crossing = Crossing()
    outcome, mails = await send_to(crossing)
    assert outcome == Outcome(kind="accepted", detail="250 2.0.0 Ok: queued as Q1", provider_id="Q1")
    assert crossing.asked == 1
    assert len(mails) == 1


async def test_a_name_in_url_safe_base64_is_read_whole() -> None:
    outcome, _ = await send_to(Crossing(), BODY="250 Ok: queued as LRzXl_NHStOGhQ4kofSm_A")
    assert outcome.provider_id == "LRzXl_NHStOGhQ4kofSm_A"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("answer", "kind"), [("421 going", "retry"), ("450 later", "retry"), ("550 no", "rejected")])
async def test_a_refusal_before_the_mail_is_sent_never_crosses(verb: str, answer: str, kind: str) -> None:
    crossing = Crossing()
    outcome, mails = await send_to(crossing, **{verb: answer})
    assert (outcome.kind, outcome.detail) == (kind, answer)
    assert crossing.asked == 0
    assert mails == []


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [HANG, DROP])
async def test_silence_before_the_mail_is_sent_may_be_repeated(verb: str, answer: str) -> None:
    crossing = Crossing()
    outcome, _ = await send_to(crossing, **{verb: answer})
    assert outcome.kind == "retry"
    assert crossing.asked == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 later", "retry"), ("452 full", "retry"), ("552 too much", "rejected"), ("554 spam", "rejected")],
)
async def test_a_no_to_the_whole_mail_is_a_no(answer: str, kind: str) -> None:
    crossing = Crossing()
    outcome, _ = await send_to(crossing, BODY=answer)
    assert (outcome.kind, outcome.detail) == (kind, answer)
    assert crossing.asked == 1


@pytest.mark.parametrize("answer", [HANG, DROP, "nonsense", "354 go on"])
async def test_without_a_clear_answer_to_the_whole_mail_the_outcome_is_unknown(answer: str) -> None:
    crossing = Crossing()
    outcome, _ = await send_to(crossing, BODY=answer)
    assert outcome.kind == "unknown"
    assert crossing.asked == 1


async def test_a_connection_that_drops_before_the_mail_is_read_is_not_called_accepted() -> None:
    outcome, mails = await send_to(Crossing(), BODY=DROP_UNREAD)
    assert outcome.kind in ("retry", "unknown")
    assert mails == []


async def test_a_mail_that_may_not_go_any_more_leaves_no_trace() -> None:
    outcome, mails = await send_to(Crossing(may_go=False))
    assert outcome.kind == "retry"
    assert mails == []


async def test_a_fault_of_the_ledger_at_the_crossing_is_not_blamed_on_the_mail_server() -> None:
    async def crossing() -> bool:
        raise ConnectionResetError("the ledger is gone")

    async with scripted_smtp() as server:
        with pytest.raises(ConnectionResetError, match="ledger"):
            await channel_to(server.port).send(MESSAGE, crossing)
        assert server.mails == []


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    async with scripted_smtp() as server:
        port = server.port
    outcome = await channel_to(port).send(MESSAGE, Crossing())
    assert outcome.kind == "retry"
    assert "no connection" in outcome.detail


async def test_a_refusal_never_repeats_an_address() -> None:
    outcome, _ = await send_to(Crossing(), RCPT="550 5.1.1 <ana@clients.example>: no such user")
    assert outcome.detail == "550 5.1.1 (address): no such user"


@pytest.mark.parametrize(
    "address",
    ["ana", "ana@", "a b@c.example", "ana@clients.example\r\nRCPT TO:<x@y.example>", "änä@clients.example"],
)
async def test_a_bad_address_is_rejected_without_a_conversation(address: str) -> None:
    async with scripted_smtp() as server:
        outcome = await channel_to(server.port).send(replace(MESSAGE, to_address=address), Crossing())
        assert outcome.kind == "rejected"
        assert "@" not in outcome.detail
        assert server.connections == 0


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Hello\r\nBcc: all@clients.example"},
        {"from_name": "Jo\nBcc: all@clients.example"},
        {"subject": "Hello\u2028Bcc: all@clients.example"},
        {"unsubscribe_url": "https://x.example/\r\nBcc: all@clients.example"},
    ],
)
async def test_a_line_break_in_a_header_is_refused(change: dict[str, str]) -> None:
    outcome, mails = await send_to(Crossing(), replace(MESSAGE, **change))
    assert outcome.kind == "rejected"
    assert mails == []
