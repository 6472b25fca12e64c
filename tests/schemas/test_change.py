"""A change travels whole, with the identity of itself."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.celebration import celebration_id, delivery_id
from schemas.change import CelebrationChanged, Change, DeliveryChanged, change_id, encode_change

AT = datetime(2026, 5, 8, 5, 12, 1, 250, tzinfo=UTC)
SHARED = {
    "changed_at": AT,
    "tenant": "iron-and-oak",
    "client": "c_ü",
    "milestone_id": "0f" * 16,
    "revision": 2,
    "celebration_id": celebration_id("0f" * 16),
    "rule": "iron-streak",
    "tier": "streak",
}
PLANNED = CelebrationChanged(change_id="a1", outcome="send", mode="live", variant="words/short", **SHARED)
SENT = DeliveryChanged(
    change_id="a2", delivery_id=delivery_id(SHARED["celebration_id"], "email"), channel="email", state="sent", **SHARED
)


@pytest.mark.parametrize("change", [PLANNED, SENT])
def test_a_change_can_be_read_back(change: Change) -> None:
    value, _ = encode_change(change)
    assert msgspec.json.decode(value, type=type(change)) == change


def test_its_headers_say_what_and_whom_it_is_about_without_parsing() -> None:
    _, headers = encode_change(SENT)
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"a2",
        "ce_source": b"cairn/delivery",
        "ce_type": b"delivery.changed",
        "ce_subject": "c_ü".encode(),
        "ce_time": b"2026-05-08T05:12:01.000250Z",
        "ce_tenantid": b"iron-and-oak",
        "content-type": b"application/json",
    }


def test_the_same_change_has_the_same_id_and_any_other_has_another() -> None:
    one = change_id(7, "d", AT)
    assert one == change_id(7, "d", AT)
    others = (change_id(8, "d", AT), change_id(7, "e", AT), change_id(7, "d", AT + timedelta(microseconds=1)))
    assert len({one, *others}) == 4
