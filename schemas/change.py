"""Changes: what became of a celebration and of each of its deliveries, on `coaching.celebrations.v1`.

Subscribers key on `change_id`, ignore fields that they do not know and reasons that they have not
met: v1 only gains optional fields, and reasons are added. No name, no address and no word of a
message travels here.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal

from msgspec import Struct
from msgspec.json import Encoder

from schemas.answer_words import ChannelName
from schemas.celebration import CelebrationOutcome, DeliveryState
from schemas.milestone import Tier
from schemas.policy import Mode

DELIVERY_CHANGED: Final = "delivery.changed"
CELEBRATION_CHANGED: Final = "celebration.changed"
CHANGE_SOURCE: Final = b"cairn/delivery"

_encode = Encoder(order="deterministic").encode


class _About(Struct, frozen=True, kw_only=True):
    change_id: str
    changed_at: datetime
    tenant: str
    client: str
    milestone_id: str
    revision: int
    celebration_id: str
    rule: str
    tier: Tier


class CelebrationChanged(_About, frozen=True, kw_only=True):
    """What was planned as the answer to a milestone, or that it was withdrawn.

    Attributes:
        change_id: 32 hex characters; the same change has the same one, however often it is written.
        changed_at: when, by the database's clock; of one celebration it only rises.
        client: the client's pseudonymous id.
        outcome: `send` goes, `hold` waits, `task` is left to a person, `skip` is closed, `withdrawn` taken back.
        mode: with `shadow` everything is planned and nothing sent.
        variant: the experiment and the variant by which it is answered, EXPERIMENT/VARIANT.
        merged_into: the celebration whose message tells of this one too.
    """

    type: Literal["celebration.changed"] = CELEBRATION_CHANGED
    outcome: CelebrationOutcome
    mode: Mode
    variant: str | None = None
    merged_into: str | None = None


class DeliveryChanged(_About, frozen=True, kw_only=True):
    """One channel of a celebration reached a state.

    Attributes:
        change_id: 32 hex characters; the same change has the same one, however often it is written.
        changed_at: when, by the database's clock; of one delivery it only rises.
        client: the client's pseudonymous id.
        channel: the way that it takes.
        state: `unknown` means that it may or may not have been sent; it is never sent again by itself.
        reason: why it is held, deferred, skipped, failed or unknown; words are added, so it is no closed list.
        attempts: conversations begun with the provider.
    """

    type: Literal["delivery.changed"] = DELIVERY_CHANGED
    delivery_id: str
    channel: ChannelName
    state: DeliveryState
    reason: str | None = None
    attempts: int = 0


Change = CelebrationChanged | DeliveryChanged


def change_id(position: int, about: str, changed_at: datetime) -> str:
    """The identity of a change; a position alone would come again after a restore from backup.

    Args:
        position: in the outbox.
        about: the delivery's or the celebration's id.
        changed_at: when it was written there.
    """
    return blake2b(f"{position}:{about}:{changed_at.isoformat()}".encode(), digest_size=16).hexdigest()


def encode_change(change: Change) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """The value and headers of a record of `coaching.celebrations.v1`, CloudEvents 1.0 in binary mode."""
    return _encode(change), tuple(_headers(change))


def _headers(change: Change) -> Iterable[tuple[str, bytes]]:
    yield "ce_specversion", b"1.0"
    yield "ce_id", change.change_id.encode()
    yield "ce_source", CHANGE_SOURCE
    yield "ce_type", change.type.encode()
    yield "ce_subject", change.client.encode()
    yield "ce_time", change.changed_at.isoformat().replace("+00:00", "Z").encode()
    yield "ce_tenantid", change.tenant.encode()
    yield "content-type", b"application/json"
