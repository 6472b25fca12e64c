"""Link records: an event of a linked id as the event of the person that it would have been.

Pure. It must never make two events of one: what a tool would send for the person has the same id, so
a hook that is repeated after the link is known already.

An id that ends in the client's own (`walk-2026-05-08:CLIENT`, see `agents.intake.admission`) ends in the person's; any
other id stays. What was appended before the link is silent; later events are as they are.
"""

from typing import Any

import msgspec

from agents.engine.logic import Record
from agents.event_lines import is_structured, with_attributes
from agents.ledger.links import ClaimedLink
from agents.publishing import KeyedEvent
from schemas.codec import decode_event, encode_event
from schemas.event import Event, RetractionData
from schemas.topics import client_key
from streams.tracking.instants import to_ms


def moved(record: Record, link: ClaimedLink) -> KeyedEvent:
    """The record to publish for the person.

    Args:
        record: of the linked id's key.
        link: whose it is, and since when.

    Raises:
        Refused: the tracker does not take the record, nor would it take it of the person.
    """
    event = decode_event(record.headers, record.value)
    changes: dict[str, Any] = {"id": _id_for(event.id, link), "subject": link.into_client}
    if record.timestamp < to_ms(link.linked_at):
        changes["silent"] = True
    if isinstance(event.data, RetractionData):
        changes["data"] = msgspec.structs.replace(event.data, event_id=_id_for(event.data.event_id, link))
    value = with_attributes(_line(record, event), changes, without=("receivedat",))
    decode_event((), value)
    return client_key(link.tenant, link.into_client), value


def _line(record: Record, event: Event) -> bytes:
    """The event in structured mode, with what the sender said kept."""
    return (record.value or b"") if is_structured(record.headers) else encode_event(event)


def _id_for(name: str, link: ClaimedLink) -> str:
    own = f":{link.client}"
    return f"{name.removesuffix(own)}:{link.into_client}" if name.endswith(own) else name
