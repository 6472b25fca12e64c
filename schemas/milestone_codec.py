"""The codec of milestones: records of `coaching.milestones.v1`, in binary mode of CloudEvents 1.0.

A subscriber can filter by header without parsing; the value alone is complete.
"""

from collections.abc import Iterable

from msgspec import DecodeError
from msgspec.json import Decoder, Encoder

from schemas.milestone import REACHED, Milestone
from schemas.refusal import Refused

Headers = Iterable[tuple[str, bytes | None]]

MILESTONE_SOURCE = b"cairn/tracker"

_milestone = Decoder(Milestone).decode
_encode = Encoder(order="deterministic").encode


def encode_milestone(milestone: Milestone) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """The value and headers of a record of `coaching.milestones.v1`, in binary mode."""
    verb = "reached" if milestone.type == REACHED else "retracted"
    return _encode(milestone), (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{milestone.milestone_id}:{milestone.revision}:{verb}".encode()),
        ("ce_source", MILESTONE_SOURCE),
        ("ce_type", milestone.type.encode()),
        ("ce_subject", milestone.client.encode()),
        ("ce_time", milestone.reached_at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_tenantid", milestone.tenant.encode()),
        ("content-type", b"application/json"),
    )


def heard_header(append_ms: int) -> tuple[str, bytes]:
    """The CloudEvents extension of a milestone that says when the event that caused it was heard.

    Args:
        append_ms: the event's append time, real milliseconds.
    """
    return "ce_receivedat", str(append_ms).encode()


def heard_ms(headers: Headers) -> int | None:
    """What `heard_header` said, in real milliseconds; None for a milestone that time alone caused."""
    found = next((value for name, value in headers if name == "ce_receivedat" and value), None)
    return int(found) if found and found.isdigit() else None


def decode_milestone(_headers: Headers, value: bytes | None) -> Milestone:
    """The milestone that a record carries; the value alone is complete, headers repeat it.

    Raises:
        Refused: it carries none.
    """
    try:
        return _milestone(value or b"")
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("wrong_milestone", f"not a milestone of version 1: {error}") from None
