"""How a source is: one word for it, made of what the ledger, the secrets and the vendor say of it.

Pure: the time is handed in. `cairn sources`, the gauges and the alert all ask here, so that they never disagree.

| state | meaning | well |
|---|---|---|
| `on` | it was heard, and what it said last was taken in | yes |
| `waiting` | known, never heard so far, and not for long | yes |
| `off` | a secret is missing | no |
| `unserved` | `cairn serve` has never taken it up, which takes it seconds | no |
| `disabled` | the vendor has switched its hooks off, or has none for our address | no |
| `failing` | what it said last could not be used, or it does not answer | no |
| `silent` | not heard for `silent_after_hours` | no |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

State = Literal["on", "waiting", "off", "unserved", "disabled", "failing", "silent"]
STATES: Final[tuple[State, ...]] = get_args(State)
WELL: Final[frozenset[State]] = frozenset({"on", "waiting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the ledger holds of a source; real times, but for `due_at`.

    Attributes:
        known_at: since when the intake serves it; None if it never did.
        failure: the reason of the last failure, a short code.
        accepted, failed: counts of the last 24 hours.
        kept: hooks that wait until the tool can be asked.
        due_at: when the next poll is due, domain time; None for one that is not polled.
    """

    known_at: datetime | None = None
    heard_at: datetime | None = None
    accepted_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    tried_at: datetime | None = None
    accepted: int = 0
    failed: int = 0
    kept: int = 0
    due_at: datetime | None = None


def state_of(
    health: Health, *, silent_after: timedelta, now: datetime, is_off: bool = False, is_disabled: bool = False
) -> State:
    """The one word.

    Args:
        health: what the ledger holds.
        silent_after: how long it may be silent.
        now: real time.
        is_off: a secret is missing.
        is_disabled: its vendor says that its hooks are off.
    """
    if is_off:
        return "off"
    if is_disabled:
        return "disabled"
    if health.known_at is None:
        return "unserved"
    if health.failed_at is not None and (health.accepted_at is None or health.failed_at > health.accepted_at):
        return "failing"
    if now - (health.heard_at or health.tried_at or health.known_at) > silent_after:
        return "silent"
    return "on" if health.heard_at else "waiting"


def newest_age(health: Health, now: datetime) -> timedelta | None:
    """The age of the newest thing that was taken in; None if there is none."""
    return None if health.accepted_at is None else max(now - health.accepted_at, timedelta())


def overdue(health: Health, now: datetime) -> timedelta:
    """For how long the next poll has been due; `now` is domain time."""
    return timedelta() if health.due_at is None else max(now - health.due_at, timedelta())
