"""What each vendor's words come down to."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from agents.providers.mailgun import Mailgun
from agents.providers.provider import Call, Provider, Reading, UnreadableBodyError
from agents.providers.sendgrid import SendGrid
from agents.providers.standard import StandardProvider
from agents.providers.tremendous import Tremendous
from agents.providers.twilio import Twilio
from schemas.provider_event import ProviderEvent

OURS = "0af1" * 8
MESSAGE_ID = f"{OURS}@northstar.example"
AT = datetime(2026, 2, 12, 18, 30, tzinfo=UTC)


def read(provider: Provider, body: bytes, **query: str) -> list[Reading]:
    return list(
        provider.events(Call(address="", headers={"webhook-id": "msg_1"}, query=query, body=body, at_seconds=0))
    )


def told(provider: Provider, body: object, **query: str) -> list[tuple[Any, ...]]:
    """Kind, permanence and detail of each event; the word for what is none."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = read(provider, raw, **query)
    return [(r.kind, r.permanent, r.detail) if isinstance(r, ProviderEvent) else (r,) for r in found]


@pytest.mark.parametrize(
    ("status", "code", "events"),
    [
        ("queued", "", [("ignored",)]),
        ("sent", "", [("accepted", False, None)]),
        ("delivered", "", [("delivered", False, None)]),
        ("read", "", [("opened", False, None)]),
        ("undelivered", "30005", [("bounced", True, "code 30005")]),
        ("undelivered", "30003", [("bounced", False, "code 30003")]),
        ("failed", "21610", [("failed", False, "code 21610"), ("unsubscribed", False, None)]),
        ("failed", "", [("failed", False, None)]),
    ],
)
def test_twilio(status: str, code: str, events: list[tuple[Any, ...]]) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code, "To": "+4366012345678"}
    assert told(Twilio(), urlencode(form).encode(), delivery=OURS) == events


def test_a_text_message_is_known_by_the_address_and_by_its_id() -> None:
    body = b"MessageSid=SM1&MessageStatus=delivered"
    (known,), (other,) = read(Twilio(), body, delivery=OURS), read(Twilio(), body, delivery="1' OR 1")
    assert isinstance(known, ProviderEvent)
    assert isinstance(other, ProviderEvent)
    assert (known.delivery_id, known.provider_ids, known.key) == (OURS, ("SM1",), "SM1:delivered")
    assert (other.delivery_id, other.provider_ids) == (None, ("SM1",))


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    data = {
        "id": "MXcc2gEpS-eN8HfkOnmK2w",
        "event": event,
        "timestamp": AT.timestamp(),
        "recipient": "ana@clients.example",
        "message": {"headers": {"message-id": MESSAGE_ID}},
        **more,
    }
    return {"signature": {}, "event-data": data}


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (mailgun("accepted"), [("accepted", False, None)]),
        (mailgun("delivered"), [("delivered", False, None)]),
        (mailgun("opened", **{"client-info": {"bot": ""}}), [("opened", False, None)]),
        (mailgun("opened", **{"client-info": {"bot": "apple"}}), [("delivered", False, None)]),
        (mailgun("clicked"), [("clicked", False, None)]),
        (mailgun("complained"), [("complained", False, None)]),
        (mailgun("unsubscribed"), [("unsubscribed", False, None)]),
        (mailgun("failed", severity="temporary", reason="generic"), [("ignored",)]),
        (
            mailgun("failed", severity="permanent", reason="bounce", **{"delivery-status": {"code": 550}}),
            [("bounced", True, "status 550")],
        ),
        (
            mailgun("failed", severity="permanent", reason="bounce", **{"delivery-status": {"bounce-type": "soft"}}),
            [("bounced", False, None)],
        ),
        (mailgun("failed", severity="permanent", reason="old"), [("bounced", False, None)]),
        (
            mailgun("failed", severity="permanent", reason="suppress-unsubscribe"),
            [("bounced", False, None), ("unsubscribed", False, None)],
        ),
        (
            mailgun("failed", severity="permanent", reason="suppress-complaint"),
            [("bounced", False, None), ("complained", False, None)],
        ),
        (mailgun("rejected"), [("failed", False, None)]),
        (mailgun("stored"), [("ignored",)]),
    ],
)
def test_mailgun(body: dict[str, Any], events: list[tuple[Any, ...]]) -> None:
    assert told(Mailgun(), body) == events


def test_a_mail_is_known_by_its_message_id_and_says_when() -> None:
    (event,) = read(Mailgun(), json.dumps(mailgun("delivered")).encode())
    assert isinstance(event, ProviderEvent)
    assert (event.delivery_id, event.happened_at) == (OURS, AT)
    assert event.key.startswith("MXcc2gEpS-eN8HfkOnmK2w:")


def sendgrid(event: str, **more: Any) -> dict[str, Any]:
    return {
        "email": "ana@clients.example",
        "event": event,
        "timestamp": int(AT.timestamp()),
        "sg_event_id": "ev1",
        "sg_message_id": "14c5d75ce93.filter-1.0",
        "smtp-id": f"<{MESSAGE_ID}>",
        **more,
    }


@pytest.mark.parametrize(
    ("one", "events"),
    [
        (sendgrid("processed"), [("accepted", False, None)]),
        (sendgrid("delivered"), [("delivered", False, None)]),
        (sendgrid("deferred"), [("ignored",)]),
        (sendgrid("open", sg_machine_open=False), [("opened", False, None)]),
        (sendgrid("open", sg_machine_open=True), [("delivered", False, None)]),
        (sendgrid("click"), [("clicked", False, None)]),
        (sendgrid("bounce", type="bounce", status="5.1.1"), [("bounced", True, "status 5.1.1")]),
        (sendgrid("bounce", type="blocked", status="ana@clients.example"), [("bounced", False, None)]),
        (sendgrid("dropped", reason="Bounced Address"), [("failed", True, None)]),
        (
            sendgrid("dropped", reason="Unsubscribed Address"),
            [("failed", False, None), ("unsubscribed", False, None)],
        ),
        (
            sendgrid("dropped", reason="Spam Reporting Address"),
            [("failed", False, None), ("complained", False, None)],
        ),
        (sendgrid("spamreport"), [("complained", False, None)]),
        (sendgrid("group_unsubscribe"), [("unsubscribed", False, None)]),
        (sendgrid("group_resubscribe"), [("ignored",)]),
        (sendgrid("singing"), [("unreadable",)]),
        ("delivered", [("unreadable",)]),
        ({"event": "delivered"}, [("unreadable",)]),
    ],
)
def test_sendgrid(one: object, events: list[tuple[Any, ...]]) -> None:
    assert told(SendGrid(), [one]) == events


def test_one_event_that_cannot_be_read_hides_no_other() -> None:
    found = told(SendGrid(), [sendgrid("delivered"), None, {"event": 7}, sendgrid("open")])
    assert [reading[0] for reading in found] == ["delivered", "unreadable", "unreadable", "opened"]


def test_what_a_mailbox_did_is_known_by_the_id_that_the_server_told() -> None:
    opened = sendgrid("open")
    del opened["smtp-id"]
    (event,) = read(SendGrid(), json.dumps([opened]).encode())
    assert isinstance(event, ProviderEvent)
    assert (event.delivery_id, event.provider_ids) == (None, ("14c5d75ce93",))


def tremendous(event: str, **resource: str) -> dict[str, Any]:
    return {
        "event": event,
        "uuid": "3f1a6b8c",
        "created_utc": "2026-02-12T18:30:00.000Z",
        "payload": {"resource": {"id": "A1B2", "type": "orders", **resource}},
    }


@pytest.mark.parametrize(
    ("event", "events"),
    [
        ("ORDERS.CREATED", [("accepted", False, None)]),
        ("ORDERS.APPROVED", [("accepted", False, None)]),
        ("ORDERS.REJECTED", [("failed", False, "the order was rejected")]),
        ("ORDERS.FAILED", [("failed", False, "the order failed")]),
        ("REWARDS.DELIVERY.SUCCEEDED", [("delivered", False, None)]),
        ("REWARDS.DELIVERY.FAILED", [("bounced", False, "the reward could not be delivered")]),
        ("REWARDS.CANCELED", [("bounced", False, "the reward was canceled")]),
        ("INVOICES.PAID", [("ignored",)]),
    ],
)
def test_tremendous(event: str, events: list[tuple[Any, ...]]) -> None:
    assert told(Tremendous(), tremendous(event)) == events


def test_a_gift_is_known_by_our_id_or_by_theirs() -> None:
    body = json.dumps(tremendous("ORDERS.APPROVED", external_id=OURS, order_id="O-7")).encode()
    (event,) = read(Tremendous(), body)
    assert isinstance(event, ProviderEvent)
    assert (event.celebration_id, event.provider_ids, event.happened_at) == (OURS, ("A1B2", "O-7"), AT)


@pytest.mark.parametrize("named", [{"message_id": f"<{MESSAGE_ID}>"}, {"delivery_id": OURS}])
def test_standard_webhooks(named: dict[str, str]) -> None:
    body = {"type": "delivery.bounced", "timestamp": "2026-02-12T19:30:00+01:00"}
    data = {**named, "permanent": True, "code": "5.1.1"}
    (event,) = read(StandardProvider(), json.dumps({**body, "data": data}).encode())
    assert event == ProviderEvent(
        kind="bounced", key="msg_1", happened_at=AT, delivery_id=OURS, permanent=True, detail="code 5.1.1"
    )


def test_a_code_with_an_address_in_it_is_left_out() -> None:
    data = {"provider_id": "q1", "code": "550 ana@clients.example unknown"}
    assert told(StandardProvider(), {"type": "delivery.failed", "data": data}) == [("failed", False, None)]


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        (Twilio(), b"MessageStatus=sent"),
        (Twilio(), b"&".join([b"a=1"] * 200)),
        (Mailgun(), b"{}"),
        (Mailgun(), b"{"),
        (Mailgun(), b"[" * 100_000),
        (SendGrid(), b"{}"),
        (SendGrid(), b"\xff"),
        (Tremendous(), b"[]"),
        (Tremendous(), b'{"event": 7, "uuid": "x"}'),
        (StandardProvider(), b'{"type": "delivery.sung", "data": {}}'),
        (StandardProvider(), b'{"type": "delivery.opened", "data": {}}'),
        (StandardProvider(), b"7"),
    ],
)
def test_a_body_that_is_not_the_vendors_is_refused_with_what_was_expected(provider: Provider, body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="must"):
        read(provider, body)
