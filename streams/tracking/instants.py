"""Instants as whole milliseconds since 1970, the form in which states and decisions keep them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """The milliseconds of an aware datetime, rounded to the nearest."""
    return round(at.timestamp() * 1000)


def to_datetime(ms: int) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(milliseconds=ms)
