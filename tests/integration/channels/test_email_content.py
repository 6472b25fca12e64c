import email
import email.policy
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from agents.channels.channel import Message
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.channels.mime import message_id
from tests.integration.channels.correspondence import MESSAGE, SENT_AT, Crossing, send_to
from tests.integration.channels.scripted_smtp import scripted_smtp


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
