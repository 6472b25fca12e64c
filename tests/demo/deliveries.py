"""Rows of the ledger as the play's readers find them, for the tests of what is compared with the count."""

from datetime import UTC, datetime
from typing import Any

from demo.found import FoundDelivery

HEARD = datetime(2026, 4, 27, tzinfo=UTC)


def delivery(channel: str, **changed: Any) -> FoundDelivery:
    """A part of a graduation that left, but for what is changed."""
    fields: dict[str, Any] = {
        "delivery_id": f"d-{channel}",
        "celebration_id": "k1",
        "milestone_id": "m1",
        "client": "c_1",
        "rule": "thirty-six",
        "tier": "major",
        "milestone": "36 sessions",
        "channel": channel,
        "state": "sent",
        "reason": None,
        "was_held": False,
        "heard_at": HEARD,
        "finished_at": HEARD,
    }
    return FoundDelivery(**(fields | changed))
