"""Events: what happened in a client's coaching, as CloudEvents 1.0 on `coaching.events.v1`.

`EVENT_DATA` maps each known type to the shape of its data; any other `word.word` type is
free and carries a flat object. These structs are the one definition: the decoder, the JSON
Schemas and the documents come from them (DECISIONS.md, "events are msgspec structs").
Ids are pseudonymous: no name or address travels here.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from schemas.text import TEXT_MAX_CHARS, Currency, Identifier, Text, TypeName

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""The years that an event may speak of; outside of them a clock is broken."""

Moment = Annotated[datetime, Meta(tz=True)]
"""An instant with its offset."""

Percent = Annotated[float, Meta(ge=0, le=100)]
FreeNumber = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float
FreeValue = Annotated[str, Meta(max_length=TEXT_MAX_CHARS)] | FreeNumber | bool | None
"""A field of a free type's data: flat, and bounded like every text and number."""

Cents = Annotated[int, Meta(ge=0, le=10**12)]


class Data(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What every event's data may carry: what people call the thing, and the local zone."""

    title: Text | None = None
    timezone: Text | None = None


class SessionData(Data, frozen=True, kw_only=True):
    """A session by its id, which carries source and account (`acuity:ACCOUNT:123`)."""

    session_id: Text
    kind: Text | None = None
    program_id: Text | None = None


class BookingData(SessionData, frozen=True, kw_only=True):
    """A session that was put into the calendar."""

    starts_at: Moment
    ends_at: Moment

    def __post_init__(self) -> None:
        """Refuse a session that ends before it starts, or in a year that no calendar means."""
        if self.ends_at < self.starts_at:
            raise ValueError("ends_at must not lie before starts_at")
        if not FIRST_YEAR <= self.ends_at.year <= LAST_YEAR:
            raise ValueError(f"ends_at must lie between {FIRST_YEAR} and {LAST_YEAR}")


class HabitData(Data, frozen=True, kw_only=True):
    """A habit's check or uncheck; `day` is the client's local date, else taken from `time`."""

    habit_id: Text
    day: date | None = None


class StreakReportedData(HabitData, frozen=True, kw_only=True):
    """The length of a run, from trackers that give only a number."""

    days: Annotated[int, Meta(ge=0, le=36_500)]


class LessonData(Data, frozen=True, kw_only=True):
    """A lesson of a course."""

    course_id: Text
    lesson_id: Text


class CourseData(Data, frozen=True, kw_only=True):
    """A course as a whole."""

    course_id: Text


class CourseProgressData(CourseData, frozen=True, kw_only=True):
    """How much of a course is done, 0 to 100."""

    percent: Percent


class GoalData(Data, frozen=True, kw_only=True):
    """A goal; `core` is what the client came for, `step` a step on the way."""

    goal_id: Text
    kind: Literal["step", "core"] | None = None


class ProgramData(Data, frozen=True, kw_only=True):
    """A program that a client joins and completes."""

    program_id: Text


class PurchaseData(Data, frozen=True, kw_only=True):
    """Money paid or given back, in cents of its currency."""

    order_id: Text
    amount_cents: Cents
    currency: Currency


class MembershipData(Data, frozen=True, kw_only=True):
    """A membership or referral, of a program if it has one."""

    program_id: Text | None = None


class StreakPausedData(Data, frozen=True, kw_only=True):
    """Days that neither extend nor break a streak; local dates, both inclusive."""

    habit_id: Text | None = None
    from_day: date = field(name="from")
    until: date | None = None
    reason: Text
    author: Text


class StreakRepairedData(Data, frozen=True, kw_only=True):
    """One day that counts as neutral because somebody vouched for it."""

    habit_id: Text
    day: date
    reason: Text
    author: Text


class RetractionData(Data, frozen=True, kw_only=True):
    """Another event, by its id, that never happened."""

    event_id: Text


EVENT_DATA: dict[str, type[Data]] = {
    "session.booked": BookingData,
    "session.rescheduled": BookingData,
    "session.completed": SessionData,
    "session.canceled": SessionData,
    "session.no_show": SessionData,
    "session.attended": SessionData,
    "habit.checked": HabitData,
    "habit.unchecked": HabitData,
    "streak.reported": StreakReportedData,
    "lesson.completed": LessonData,
    "course.progressed": CourseProgressData,
    "course.completed": CourseData,
    "goal.completed": GoalData,
    "goal.reopened": GoalData,
    "program.enrolled": ProgramData,
    "program.completed": ProgramData,
    "purchase.completed": PurchaseData,
    "purchase.refunded": PurchaseData,
    "membership.renewed": MembershipData,
    "membership.ended": MembershipData,
    "referral.converted": MembershipData,
    "streak.paused": StreakPausedData,
    "streak.repaired": StreakRepairedData,
    "event.retracted": RetractionData,
}
"""The known event types; every other type is free."""


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """One event, decoded: what happened, to whom, when.

    `data` is the struct that `EVENT_DATA` names for `type`, or a flat dict for a free type.
    `dropped` names the optional fields that were wrong and were left out.
    """

    id: str
    source: str
    type: str
    tenant: str
    client: str
    occurred_at: datetime
    data: Any
    received_at: datetime | None = None
    silent: bool = False
    dropped: tuple[str, ...] = ()


class Envelope(Struct, frozen=True, kw_only=True):
    """The CloudEvents attributes as they travel, without the data."""

    id: Text
    source: Text
    type: TypeName
    subject: Identifier
    time: Moment
    tenantid: Identifier
    specversion: Literal["1.0"] = "1.0"
    receivedat: Moment | None = None
    silent: bool = False
