"""Steps of the play: what happens in the practice's tools, as plain data in time order.

These are the play's whole input. `demo.play` sends them and `demo.count` counts them, and
neither knows how they were drawn.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentStep:
    """An appointment in Acuity changes; the record is as its API shows it from then on.

    Attributes:
        at: when it changes, UTC.
        record: the appointment as Acuity's API gives it.
        actions: the hooks that Acuity fires for the change, one each.
        copies: how often each hook is sent.
    """

    at: datetime
    record: dict[str, Any]
    actions: tuple[str, ...]
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStep:
    """A tool posts a Standard Webhook.

    Attributes:
        at: when it happens, UTC.
        message_id: the `webhook-id`.
        body: `type`, `timestamp` and `data`, as JSON.
        copies: how often it is sent.
    """

    at: datetime
    message_id: str
    body: dict[str, Any]
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """A habit is checked in the tracker that is only ever asked once a day.

    Attributes:
        at: when the tracker's list has it, UTC.
        email: the client's address in the tracker.
        day: the client's local date.
    """

    at: datetime
    client_id: str
    name: str
    email: str
    timezone: str
    habit_id: str
    title: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietStep:
    """A coach asks that nothing automatic reaches a client from now on.

    Attributes:
        email: the client's, in lower case.
    """

    at: datetime
    email: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveStep:
    """A client leaves the mails by the link in the last one that they got.

    Attributes:
        email: the client's, in lower case.
    """

    at: datetime
    email: str


Step = AppointmentStep | MessageStep | CheckStep | QuietStep | LeaveStep
