"""The mail sink speaks SMTP, keeps what it accepts within its limit, and can ask for a password."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from agents.embedded.smtp import SmtpSink


def mail(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "coach@example.com", "zoë@example.com", subject
    message.set_content("Thirty days in a row: grüße!")
    return message


async def send(sink: SmtpSink, subject: str, *, encrypted: bool = False, **credentials: str) -> None:
    await aiosmtplib.send(
        mail(subject),
        hostname=sink.host,
        port=sink.port,
        start_tls=encrypted,
        validate_certs=False,
        username=credentials.get("username"),
        password=credentials.get("password"),
    )


@pytest.fixture
def small_sink(tmp_path: Path) -> Iterator[SmtpSink]:
    sink = SmtpSink(tmp_path, limit=2)
    sink.start()
    yield sink
    sink.stop()


async def test_a_mail_is_kept_in_memory_and_as_a_file(smtp_sink: SmtpSink) -> None:
    await send(smtp_sink, "Day 30")
    (kept,) = smtp_sink.mails
    assert (kept.sender, kept.recipients) == ("coach@example.com", ("zoë@example.com",))
    assert kept.message["Subject"] == "Day 30"
    assert "grüße" in kept.message.get_content()
    assert kept.path.read_bytes() == kept.content


async def test_the_oldest_mail_goes_when_the_limit_is_reached(small_sink: SmtpSink) -> None:
    for subject in ("one", "two", "three"):
        await send(small_sink, subject)
    assert [kept.message["Subject"] for kept in small_sink.mails] == ["two", "three"]
    assert sorted(path.name for path in small_sink._folder.iterdir()) == ["00000002.eml", "00000003.eml"]


async def test_numbers_go_on_over_a_second_start(small_sink: SmtpSink) -> None:
    await send(small_sink, "one")
    small_sink.stop()
    small_sink.start()
    await send(small_sink, "two")
    assert small_sink.mails[-1].path.name == "00000002.eml"


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """The server's side of a certificate that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


async def test_a_sink_with_credentials_refuses_everybody_else(tmp_path: Path, tls: ssl.SSLContext) -> None:
    sink = SmtpSink(tmp_path / "mail", tls=tls, credentials=("cairn", "right"))
    sink.start()
    try:
        await send(sink, "let in", encrypted=True, username="cairn", password="right")
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(sink, "wrong password", encrypted=True, username="cairn", password="wrong")
        with pytest.raises(aiosmtplib.SMTPException):
            await send(sink, "no password", encrypted=True)
        with pytest.raises(aiosmtplib.SMTPException):
            await send(sink, "in the clear")
        assert [kept.message["Subject"] for kept in sink.mails] == ["let in"]
    finally:
        sink.stop()


def test_a_password_in_the_clear_is_not_offered(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="credentials need tls"):
        SmtpSink(tmp_path, credentials=("cairn", "right"))
