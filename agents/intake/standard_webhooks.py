"""Standard Webhooks: any tool that signs its hooks by the open specification, to findings.

The body is `{type, timestamp, data}` with our event types and the client in `data.client`
(`id`, `email`, and any field of a profile); a flat body with `client_id`, `client_email`, ...
is read too. `client.updated` carries a profile and no event.

Pure, but for the library's look at the machine's clock to refuse stale stamps (5 minutes).
Source: the Standard Webhooks specification, "Signature scheme" and "Payload structure".
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import to_builtins
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from agents.contact_data import refuse_addresses
from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.vendor_json import read_object
from schemas.client import Profile
from schemas.codec import decode_event
from schemas.refusal import Refused

PROFILE_ONLY = "client.updated"
_ID_MAX_CHARS = 256
_CONTACT = frozenset({"name", "email", "phone", "first_name", "last_name", "address"})
_FLAT = ("id", *Profile.model_fields)


def is_signed(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether one of the secrets (`whsec_…`) signed id, stamp and raw body, not long ago.

    Signatures of other versions, as `v1a`, are skipped. A malformed header is a bad one, and so is a malformed secret.
    """
    fits = False
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
            continue
        fits = True
    return fits


def translate(source_name: str, headers: Mapping[str, str], body: bytes, heard_at: datetime) -> Finding | Ignored:
    """What a verified body says.

    The names in `headers` are in lower case; `heard_at` dates a body without `timestamp`.
    """
    message = read_object(body)
    if isinstance(message, Ignored):
        return message
    data, client = _data_and_client(message)
    person = _person(client)
    if person is None:
        return Ignored(reason="no_client", detail=_why_nobody(client))
    facts = {name: value for name, value in client.items() if name != "id"}
    if message.get("type") == PROFILE_ONLY:
        return Finding(person=person, facts=facts, happenings=())
    try:
        happening = _happening(source_name, headers, message, data, heard_at)
    except Refused as refused:
        return Ignored(reason=refused.reason, detail=refused.detail)
    return Finding(person=person, facts=facts, happenings=(happening,))


def _data_and_client(message: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The event's own fields and the client's, apart from each other."""
    inner = message.get("data")
    data = dict(inner) if isinstance(inner, dict) else dict(message)
    for name in ("type", "timestamp") if inner is None else ():
        data.pop(name, None)
    client = data.pop("client", None)
    flat = {name: data.pop(f"client_{name}", None) for name in _FLAT}
    if isinstance(client, Mapping):
        return data, client
    return data, {**flat, "id": client if client is not None else flat["id"]}


def _person(client: Mapping[str, Any]) -> Person | None:
    """The client by id and e-mail; an id that is an address is one."""
    external_id, email = client.get("id"), client.get("email")
    named = str(external_id).strip() if isinstance(external_id, str | int) else ""
    address = email.strip() if isinstance(email, str) and "@" in email else ""
    if not address and "@" in named:
        named, address = "", named
    if not (named or address) or max(len(named), len(address)) > _ID_MAX_CHARS:
        return None
    return Person(external_id=named or None, email=address or None)


def _why_nobody(client: Mapping[str, Any]) -> str:
    """What is wrong with the client's id and e-mail, of which neither can be used."""
    given = {name: client[name] for name in ("id", "email") if client.get(name) not in (None, "")}
    for name, value in given.items():
        if not isinstance(value, str | int):
            return f"data.client.{name} must be a text"
        if len(str(value).strip()) > _ID_MAX_CHARS:
            return f"data.client.{name} has at most {_ID_MAX_CHARS} characters"
    if "email" in given:
        return "data.client.email is no e-mail address, and data.client has no id"
    return "data.client must have an id or an email"


def _happening(
    source_name: str,
    headers: Mapping[str, str],
    message: Mapping[str, Any],
    data: dict[str, Any],
    heard_at: datetime,
) -> Happening:
    """The event, judged by the one decoder of events.

    Raises:
        Refused: as the tracker would refuse it, or because a field of it holds an address.
    """
    webhook_id = headers.get("webhook-id", "")
    if len(webhook_id) > _ID_MAX_CHARS:
        raise Refused("wrong_envelope", f"webhook-id has at most {_ID_MAX_CHARS} characters")
    if isinstance(data.get("event_id"), str) and message.get("type") == "event.retracted":
        data["event_id"] = f"{source_name}:{data['event_id']}"
    event = decode_event((), _as_cloud_event(f"{source_name}:{webhook_id}", message, data, heard_at))
    kept = event.data
    if isinstance(kept, dict):
        kept = {name: value for name, value in kept.items() if name not in _CONTACT}
    told = {f"data.{name}": value for name, value in to_builtins(kept).items()}
    refuse_addresses({"webhook-id": webhook_id, **told}, "an address belongs to data.client")
    return Happening(id=event.id, type=event.type, occurred_at=event.occurred_at, data=kept)


def _as_cloud_event(event_id: str, message: Mapping[str, Any], data: Mapping[str, Any], heard_at: datetime) -> bytes:
    """The message in the envelope that the decoder reads, for a client not yet known."""
    wire = {
        "id": event_id,
        "source": "hook",
        "type": message.get("type"),
        "subject": "unassigned",
        "time": message.get("timestamp") or heard_at.astimezone(UTC).isoformat(),
        "tenantid": "unassigned",
        "data": data,
    }
    try:
        return json.dumps(wire).encode()
    except (ValueError, RecursionError):
        raise Refused("not_json", "the body holds text that is not UTF-8, or is nested too deeply") from None
