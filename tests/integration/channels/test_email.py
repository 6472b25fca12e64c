import asyncio
import email
import email.policy
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from scripted_smtp import DROP, DROP_UNREAD, HANG, scripted_smtp

from agents.channels.channel import InlineImage, Message, Outcome
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.channels.mime import message_id
from agents.embedded.smtp import SmtpSink

SENT_AT = datetime(2026, 5, 5, 17, 30, tzinfo=UTC)
MESSAGE = Message(
    delivery_id="4f2a:email",
    celebration_id="4f2a",
    tenant="northstar",
    client="c-17",
    to_address="ana@clients.example",
    from_name="Jörg, Northstar",
    from_address="hello@northstar.example",
    reply_to="jo@northstar.example",
    subject="Thirty days in a row, Ana",
    text=".a line that begins with a dot\n\nGrüße\n",
    html="<p>Grüße</p>",
    inline=(InlineImage(cid="badge", filename="badge.png", png=b"\x89PNG" * 100),),
    unsubscribe_url="https://cairn.example/u/" + "x" * 200,
)


class Crossing:
    """A point of no return that counts, and answers as told."""

    def __init__(self, *, may_go: bool = True) -> None:
        self.asked = 0
        self._may_go = may_go

    async def __call__(self) -> bool:
        self.asked += 1
        return self._may_go


def channel_to(port: int, **server: Any) -> EmailChannel:
    settings = {"tls": "off", "command_timeout_seconds": 1.0, "reply_timeout_seconds": 0.2, **server}
    return EmailChannel(MailServer(host="127.0.0.1", port=port, **settings), now=lambda: SENT_AT)


async def send_to(crossing: Crossing, message: Message = MESSAGE, **answers: str) -> tuple[Outcome, list[bytes]]:
    async with scripted_smtp(**answers) as server:
        channel = channel_to(server.port)
        outcome = await channel.send(message, crossing)
        await channel.close()
        return outcome, server.mails


async def test_a_mail_is_accepted_with_the_name_that_the_server_gave_it() -> None:
    crossing = Crossing()
    outcome, mails = await send_to(crossing)
    assert outcome == Outcome(kind="accepted", detail="250 2.0.0 Ok: queued as Q1", provider_id="Q1")
    assert crossing.asked == 1
    assert len(mails) == 1


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


async def test_one_connection_carries_mail_after_mail() -> None:
    async with scripted_smtp() as server:
        channel = channel_to(server.port)
        for _ in range(5):
            assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
        assert server.connections == 1
        await channel.close()


async def test_a_refused_mail_does_not_spoil_the_next_one() -> None:
    async with scripted_smtp(RCPT="550 no") as server:
        channel = channel_to(server.port)
        assert (await channel.send(MESSAGE, Crossing())).kind == "rejected"
        del server.answers["RCPT"]
        assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
        assert server.connections == 1
        await channel.close()


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async with scripted_smtp() as server:
        channel = channel_to(server.port)
        await channel.send(MESSAGE, Crossing())
        server.answers["RSET"] = DROP
        assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
        assert server.connections == 2
        await channel.close()


async def test_a_server_that_says_421_is_hung_up_on() -> None:
    async with scripted_smtp(BODY="421 closing") as server:
        channel = channel_to(server.port)
        assert (await channel.send(MESSAGE, Crossing())).kind == "retry"
        del server.answers["BODY"]
        assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
        assert server.connections == 2
        await channel.close()


async def test_one_recipient_who_hangs_delays_nobody_else() -> None:
    async with scripted_smtp() as server:
        channel = channel_to(server.port, connections=2, reply_timeout_seconds=30.0)
        reached = asyncio.Event()

        async def stuck() -> bool:
            reached.set()
            await asyncio.Event().wait()
            return True

        hanging = asyncio.create_task(channel.send(MESSAGE, stuck))
        await reached.wait()
        outcomes = [await channel.send(MESSAGE, Crossing()) for _ in range(3)]
        assert {outcome.kind for outcome in outcomes} == {"accepted"}
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        await channel.close()


async def test_a_cancelled_send_gives_its_place_back() -> None:
    async with scripted_smtp(MAIL=HANG) as server:
        channel = channel_to(server.port, connections=1, command_timeout_seconds=30.0)
        sending = asyncio.create_task(channel.send(MESSAGE, Crossing()))
        await server.hanging.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        del server.answers["MAIL"]
        assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
        await channel.close()


async def parsed(message: Message) -> EmailMessage:
    _, (raw,) = await send_to(Crossing(), message)
    mail = email.message_from_bytes(raw.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


async def test_the_mail_carries_the_headers_that_mailboxes_ask_for() -> None:
    mail = await parsed(MESSAGE)
    assert mail["From"].addresses[0].display_name == "Jörg, Northstar"
    assert mail["From"].addresses[0].addr_spec == "hello@northstar.example"
    assert mail["Reply-To"] == "jo@northstar.example"
    assert mail["To"] == "ana@clients.example"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Date"].datetime == SENT_AT
    assert mail["Message-ID"] == message_id(MESSAGE) == "<4f2a-email@northstar.example>"
    assert mail["Content-Language"] == "en"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{MESSAGE.unsubscribe_url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_text_html_and_picture_arrive_as_they_were() -> None:
    mail = await parsed(MESSAGE)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines()[:3] == [".a line that begins with a dot", "", "Grüße"]
    assert html.get_content().strip() == "<p>Grüße</p>"
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<badge>"
    assert picture.get_content() == MESSAGE.inline[0].png
    assert picture.get_content_disposition() == "inline"


@pytest.mark.parametrize("subject", ["Grüße " * 30, "x" * 300, "=?utf-8?q?trick?=", "日本語の件名"])
async def test_any_subject_arrives_as_it_was(subject: str) -> None:
    assert (await parsed(replace(MESSAGE, subject=subject.strip())))["Subject"] == subject.strip()


async def test_a_mail_without_html_is_plain_text() -> None:
    mail = await parsed(replace(MESSAGE, html="", inline=(), reply_to=None, unsubscribe_url=None))
    assert mail.get_content_type() == "text/plain"
    assert mail["Reply-To"] is None
    assert mail["List-Unsubscribe"] is None


async def test_two_attempts_differ_in_nothing_but_their_date() -> None:
    moments = iter([SENT_AT, SENT_AT + timedelta(hours=1)])
    async with scripted_smtp() as server:
        channel = EmailChannel(MailServer(host="127.0.0.1", port=server.port, tls="off"), now=lambda: next(moments))
        await channel.send(MESSAGE, Crossing())
        await channel.send(MESSAGE, Crossing())
        await channel.close()
        first, second = (raw.split(b"\r\n") for raw in server.mails)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == [b"Date: Tue, 05 May 2026 17:30:00 +0000"]


def test_a_password_is_not_sent_in_the_clear_over_a_network() -> None:
    with pytest.raises(ValueError, match="needs TLS"):
        MailServer(host="mail.example", port=25, tls="off", username="cairn", password="secret")


async def test_a_real_mail_server_takes_the_mail(smtp_sink: SmtpSink) -> None:
    channel = channel_to(smtp_sink.port, command_timeout_seconds=10.0, reply_timeout_seconds=10.0)
    outcomes = await asyncio.gather(*(channel.send(MESSAGE, Crossing()) for _ in range(20)))
    await channel.close()
    assert {outcome.kind for outcome in outcomes} == {"accepted"}
    assert len(smtp_sink.mails) == 20
    assert {mail.recipients for mail in smtp_sink.mails} == {("ana@clients.example",)}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed.public_bytes(Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def guarded(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpSink]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    sink = SmtpSink(tmp_path_factory.mktemp("guarded"), tls=context, credentials=("cairn", "a secret"))
    sink.start()
    yield sink
    sink.stop()


async def test_starttls_and_login_come_before_the_mail(guarded: SmtpSink, certificate: Path) -> None:
    channel = channel_to(
        guarded.port,
        tls="starttls",
        username="cairn",
        password="a secret",
        tls_context=ssl.create_default_context(cafile=str(certificate)),
        command_timeout_seconds=10.0,
        reply_timeout_seconds=10.0,
    )
    before = len(guarded.mails)
    assert (await channel.send(MESSAGE, Crossing())).kind == "accepted"
    assert len(guarded.mails) == before + 1
    await channel.close()


async def test_a_wrong_password_loses_no_mail(guarded: SmtpSink, certificate: Path) -> None:
    channel = channel_to(
        guarded.port,
        tls="starttls",
        username="cairn",
        password="wrong",
        tls_context=ssl.create_default_context(cafile=str(certificate)),
        command_timeout_seconds=10.0,
    )
    assert (await channel.send(MESSAGE, Crossing())).kind == "retry"


async def test_a_server_with_an_unknown_certificate_gets_no_mail(guarded: SmtpSink) -> None:
    crossing = Crossing()
    channel = channel_to(
        guarded.port, tls="starttls", username="cairn", password="a secret", command_timeout_seconds=10.0
    )
    assert (await channel.send(MESSAGE, crossing)).kind == "retry"
    assert crossing.asked == 0
