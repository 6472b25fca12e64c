"""Signatures of each vendor, against its own samples and against openssl."""

import base64
import subprocess
import time
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from agents.providers.mailgun import Mailgun
from agents.providers.provider import Call, Provider
from agents.providers.sendgrid import SendGrid
from agents.providers.standard import StandardProvider
from agents.providers.tremendous import Tremendous
from agents.providers.twilio import Twilio

NOW = 1_770_921_000
HOUR = 3_600
TWILIO_FORM = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
SENDGRID_STAMP = 1_600_112_502
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def call(body: bytes = b"", at: float = NOW, address: str = "https://x.example/v1", **headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(address=address, headers=named, query={}, body=body, at_seconds=at)


def openssl(*words: str, given: bytes) -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout  # noqa: S607 - openssl, wherever it is


def hmac_by_openssl(key: str, given: bytes) -> str:
    return openssl("dgst", "-sha256", "-hmac", key, "-r", given=given).decode().split()[0]


def mailgun(stamp: int = NOW, key: str = "key", token: str = "t" * 50) -> bytes:
    signed = hmac_by_openssl(key, f"{stamp}{token}".encode())
    return f'{{"signature": {{"timestamp": "{stamp}", "token": "{token}", "signature": "{signed}"}}}}'.encode()


def test_twilio_as_its_manual_shows() -> None:
    signed = call(
        TWILIO_FORM,
        address="https://mycompany.com/myapp.php?foo=1&bar=2",
        x_twilio_signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    )
    assert Twilio().is_signed(signed, ["another", "12345"])
    assert not Twilio().is_signed(signed, ["another"])
    other_query = call(
        TWILIO_FORM,
        address="https://mycompany.com/myapp.php?foo=1&bar=3",
        x_twilio_signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    )
    assert not Twilio().is_signed(other_query, ["12345"])


def sendgrid(
    body: bytes = SENDGRID_BODY, *, stamp: int = SENDGRID_STAMP, signature: str = SENDGRID_SIGNATURE, at: float
) -> Call:
    headers = {"signature": signature, "timestamp": str(stamp)}
    named = {f"x_twilio_email_event_webhook_{name}": value for name, value in headers.items()}
    return call(body, at, **named)


def test_sendgrid_as_its_library_is_tested() -> None:
    assert SendGrid().is_signed(sendgrid(at=SENDGRID_STAMP + 20 * HOUR), ["no key", SENDGRID_KEY])
    for wrong in (
        sendgrid(at=SENDGRID_STAMP + 26 * HOUR),
        sendgrid(at=SENDGRID_STAMP - HOUR),
        sendgrid(SENDGRID_BODY + b" ", at=SENDGRID_STAMP),
        sendgrid(stamp=SENDGRID_STAMP + 1, at=SENDGRID_STAMP),
        sendgrid(signature="MEUC", at=SENDGRID_STAMP),
        sendgrid(signature="é", at=SENDGRID_STAMP),
    ):
        assert not SendGrid().is_signed(wrong, [SENDGRID_KEY])


def test_sendgrid_by_openssl(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key), given=b"")
    public = base64.b64encode(openssl("ec", "-in", str(key), "-pubout", "-outform", "DER", given=b"")).decode()
    made = base64.b64encode(openssl("dgst", "-sha256", "-sign", str(key), given=f"{NOW}[]".encode())).decode()
    assert SendGrid().is_signed(sendgrid(b"[]", stamp=NOW, signature=made, at=NOW), [public])
    assert not SendGrid().is_signed(sendgrid(b"[]", stamp=NOW, signature=made, at=NOW), [SENDGRID_KEY])


def test_mailgun_by_openssl() -> None:
    assert Mailgun().is_signed(call(mailgun()), ["old", "key"])
    assert Mailgun().is_signed(call(mailgun(NOW - 8 * HOUR)), ["key"])
    for wrong in (mailgun(NOW - 13 * HOUR), mailgun(NOW + HOUR), mailgun(key="other"), mailgun(token=""), b"", b"[]"):
        assert not Mailgun().is_signed(call(wrong), ["key"])


@pytest.mark.parametrize("given", ["", "sha256=", "sha1={0}", "{0}", "sha256={0}0", "sha256=é"])
def test_tremendous_by_openssl(given: str) -> None:
    body = b'{"event": "REWARDS.DELIVERY.SUCCEEDED"}'
    made = hmac_by_openssl("private key", body)
    assert Tremendous().is_signed(call(body, tremendous_webhook_signature=f"sha256={made}"), ["old", "private key"])
    assert not Tremendous().is_signed(call(body, tremendous_webhook_signature=given.format(made)), ["private key"])


def test_standard_webhooks_by_its_library() -> None:
    secret, body, stamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"{}", int(time.time())
    message = f"m.{stamp}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    hexkey = f"hexkey:{key.hex()}"
    made = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", hexkey, "-binary", given=message)
    signed = call(
        body,
        webhook_id="m",
        webhook_timestamp=str(stamp),
        webhook_signature=f"v1,{base64.b64encode(made).decode()}",
    )
    assert StandardProvider().is_signed(signed, [secret])
    Webhook(secret).verify(body, dict(signed.headers))
    assert not StandardProvider().is_signed(call(body), [secret])


@pytest.mark.parametrize("provider", [Twilio(), Mailgun(), SendGrid(), Tremendous(), StandardProvider()])
def test_without_a_secret_nothing_is_signed(provider: Provider) -> None:
    assert not provider.is_signed(call(mailgun()), [])
