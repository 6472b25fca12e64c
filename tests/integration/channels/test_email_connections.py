import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from agents.channels.connections import MailServer
from agents.embedded.smtp import SmtpSink
from tests.integration.channels.correspondence import MESSAGE, Crossing, channel_to
from tests.integration.channels.scripted_smtp import DROP, HANG, scripted_smtp


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


async def test_a_connection_that_just_accepted_a_mail_takes_the_next_without_being_asked() -> None:
    async with scripted_smtp() as server:
        channel = channel_to(server.port)
        await channel.send(MESSAGE, Crossing())
        await channel.send(MESSAGE, Crossing())
        assert "RSET" not in server.verbs
        server.answers["BODY"] = "550 no"
        await channel.send(MESSAGE, Crossing())
        await channel.send(MESSAGE, Crossing())
        assert server.verbs.count("RSET") == 1
        await channel.close()


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async with scripted_smtp() as server:
        channel = channel_to(server.port, trusted_seconds=0.0)
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
