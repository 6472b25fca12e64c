"""How long a tool asks to be left alone, as the headers of its refusal say it.

It must never ask for less than a moment, nor for more than an hour: a wait of nothing would have the
tool asked in a circle, and a slip of the tool's would leave it unasked for years.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_LONGEST_WAIT_SECONDS = 3_600.0


def retry_after_seconds(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that `Retry-After` asks for (RFC 9110, 10.2.3), else a `RateLimit-Reset` with 429, as Teachable says it.

    A date is counted from the answer's own `Date`, so that no clock but the tool's takes part; from `now` without one.
    Nothing, a date that is past and what cannot be read are left to our own back-off; so is a reset that is no span,
    as tools write it that mean a time of the epoch.
    """
    text = headers.get("Retry-After", "")
    seconds = _seconds(text)
    if seconds is None:
        until, since = _moment(text), _moment(headers.get("Date", "")) or now
        seconds = (until - since).total_seconds() if until is not None else None
    if seconds is not None:
        return min(seconds, _LONGEST_WAIT_SECONDS) if seconds > 0 else None
    reset = _seconds(headers.get("RateLimit-Reset", "")) if status == HTTPStatus.TOO_MANY_REQUESTS else None
    return reset if reset is not None and 0 < reset <= _LONGEST_WAIT_SECONDS else None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _moment(text: str) -> datetime | None:
    """A date of HTTP's, in GMT also where it does not say so; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
