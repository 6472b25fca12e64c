"""Teachable: hooks without a signature, an envelope or an array of envelopes, to findings.

Each envelope is read by itself: one that is wrong does not spoil the rest. What Teachable says of a sale is not taken
for money, because a sale may be free: money is a transaction. Consent to marketing is what a person did on a day:
that they subscribed, that they unsubscribed, and the answer that came with the sign-up. A later update of the person
only repeats what stands, so that it can withdraw consent and never give it.

Pure: no request, no clock; the time of hearing is handed in.
Source: Teachable's developer page "Webhook events and data", and its reference of transactions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, ValidationError, convert

from agents.intake.completion_claim import FULL_PERCENT
from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.vendor_json import fault_of
from schemas.event import (
    Cents,
    CourseData,
    CourseProgressData,
    Data,
    LessonData,
    MembershipData,
    Moment,
    ProgramData,
    PurchaseData,
)
from schemas.text import TEXT_MAX_CHARS

_MOST_ENVELOPES = 200

_Id = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[str, Meta(min_length=1, max_length=64)]
_Thing = tuple[str, datetime, Data]
"""Type, time and data of something that happened."""


class _Envelope(Struct, frozen=True, kw_only=True):
    """What every hook has around its object; `id` is the object's."""

    type: str
    hook_event_id: _Id
    created: Any = None
    object: dict[str, Any]


class _User(Struct, frozen=True, kw_only=True):
    id: _Id | None = None
    email: str | None = None
    name: str | None = None
    unsubscribe_from_marketing_emails: bool | None = None


class _Named(Struct, frozen=True, kw_only=True):
    name: str | None = None


class _About(Struct, frozen=True, kw_only=True):
    """What an object says of its person."""

    user: _User | None = None
    user_id: _Id | None = None


class _Progress(Struct, frozen=True, kw_only=True):
    course_id: _Id
    lecture_id: _Id
    is_completed: bool | None = None
    course: _Named | None = None
    lecture: _Named | None = None


class _Enrollment(Struct, frozen=True, kw_only=True):
    course_id: _Id
    course: _Named | None = None


class _Transaction(Struct, frozen=True, kw_only=True):
    """Amounts are in the smallest unit of `currency`; `charge` and `revenue`, in dollars, are not read."""

    id: _Id
    currency: str


class _Payment(_Transaction, frozen=True, kw_only=True):
    final_price: Cents


class _Refund(_Transaction, frozen=True, kw_only=True):
    amount_refunded: Cents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """An object and when its hook says that it happened."""

    object: Mapping[str, Any]
    at: datetime

    def when(self, name: str) -> datetime:
        """A time of the object's own, else the hook's; never after that."""
        return _no_later(self.object.get(name), self.at)


def translate(source_name: str, body: bytes, heard_at: datetime) -> tuple[Finding | Ignored, ...]:
    """What the body says, one finding an envelope, and each reason for leaving something out once."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return (Ignored(reason="not_json", detail=f"the body must be JSON: {fault_of(error)}"),)
    envelopes = message if isinstance(message, list) else [message]
    if not envelopes:
        return (Ignored(reason="wrong_envelope", detail="the body is an empty array"),)
    if len(envelopes) > _MOST_ENVELOPES:
        return (Ignored(reason="too_large", detail=f"the body has more than {_MOST_ENVELOPES} envelopes"),)
    return each_reason_once([_read(source_name, envelope, heard_at) for envelope in envelopes])


def each_reason_once(found: Sequence[Finding | Ignored]) -> tuple[Finding | Ignored, ...]:
    """All findings, then what is ignored: the whole body is set aside for a reason, so that one of each is enough."""
    ignored = {one.reason: one for one in reversed(found) if isinstance(one, Ignored)}
    return (*(one for one in found if isinstance(one, Finding)), *ignored.values())


def _read(source_name: str, raw: Any, heard_at: datetime) -> Finding | Ignored:
    """What one envelope says."""
    try:
        envelope = convert(raw, _Envelope, strict=False)
    except ValidationError as error:
        return Ignored(reason="wrong_envelope", detail=str(error))
    if envelope.type not in _READERS and envelope.type not in _PEOPLE:
        return Ignored(reason="unknown_action", detail="a type of hook that says nothing about progress or money")
    heard = _Heard(object=envelope.object, at=_no_later(envelope.created, heard_at))
    try:
        user = _user(envelope)
        things = tuple(_READERS[envelope.type](heard)) if envelope.type in _READERS else ()
    except ValidationError as error:
        return Ignored(reason="wrong_data", detail=str(error))
    person = _person(user)
    if person is None:
        return Ignored(reason="no_client", detail="the user has neither id nor e-mail address")
    happenings = tuple(
        Happening(id=f"{source_name}:{envelope.hook_event_id}:{type_}", type=type_, occurred_at=at, data=data)
        for type_, at, data in things
    )
    return Finding(person=person, facts=_facts(source_name, envelope.type, user, heard.at), happenings=happenings)


def _user(envelope: _Envelope) -> _User:
    """The person: the object itself, or the user that it names.

    Raises:
        msgspec.ValidationError: a field of the person is of a wrong kind.
    """
    if envelope.type in _PEOPLE:
        return convert(envelope.object, _User, strict=False)
    about = convert(envelope.object, _About, strict=False)
    return about.user or _User(id=about.user_id)


def _person(user: _User) -> Person | None:
    external_id = None if user.id is None else str(user.id)
    email = user.email if user.email and "@" in user.email else None
    person = Person(external_id=external_id, email=email, is_vouched=False)
    return person if external_id or email else None


def _facts(source_name: str, type_: str, user: _User, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": (user.name or "").strip(), "email": user.email}
    granted = _PEOPLE[type_](user) if type_ in _PEOPLE else None
    if granted is not None:
        facts["consents"] = {"marketing": {"granted": granted, "source": source_name, "at": at}}
    return facts


def _subscribed(_user: _User) -> bool | None:
    return True


def _unsubscribed(_user: _User) -> bool | None:
    return False


def _answered(user: _User) -> bool | None:
    """The answer given at sign-up; None if the school did not ask."""
    unsubscribed = user.unsubscribe_from_marketing_emails
    return None if unsubscribed is None else not unsubscribed


def _withdrawn(user: _User) -> bool | None:
    return False if user.unsubscribe_from_marketing_emails else None


def _lesson(heard: _Heard) -> Iterator[_Thing]:
    progress = convert(heard.object, _Progress, strict=False)
    if progress.is_completed:
        lesson = LessonData(
            course_id=own_id(progress.course_id), lesson_id=own_id(progress.lecture_id), title=_title(progress.lecture)
        )
        yield "lesson.completed", heard.at, lesson
    yield from _progress(heard, own_id(progress.course_id), _title(progress.course), heard.at)


def _enrolled(heard: _Heard) -> Iterator[_Thing]:
    enrollment = convert(heard.object, _Enrollment, strict=False)
    course, title, at = own_id(enrollment.course_id), _title(enrollment.course), heard.when("enrolled_at")
    yield "program.enrolled", at, ProgramData(program_id=course, title=title)
    yield from _progress(heard, course, title, heard.at)


def _course_completed(heard: _Heard) -> Iterator[_Thing]:
    enrollment = convert(heard.object, _Enrollment, strict=False)
    course = CourseData(course_id=own_id(enrollment.course_id), title=_title(enrollment.course))
    yield "course.completed", heard.when("completed_at"), course


def _unenrolled(heard: _Heard) -> Iterator[_Thing]:
    enrollment = convert(heard.object, _Enrollment, strict=False)
    membership = MembershipData(program_id=own_id(enrollment.course_id), title=_title(enrollment.course))
    yield "membership.ended", heard.at, membership


def _progress(heard: _Heard, course_id: str, title: str | None, at: datetime) -> Iterator[_Thing]:
    """How much of the course is done, where the object says so; nothing done is nothing to tell."""
    try:
        percent = convert(heard.object.get("percent_complete"), float, strict=False)
    except ValidationError:
        return
    if 0 < percent <= FULL_PERCENT:
        yield "course.progressed", at, CourseProgressData(course_id=course_id, percent=percent, title=title)


def _paid(heard: _Heard) -> Iterator[_Thing]:
    payment = convert(heard.object, _Payment, strict=False)
    if payment.final_price:
        yield "purchase.completed", heard.when("purchased_at"), _purchase(payment, payment.final_price)


def _refunded(heard: _Heard) -> Iterator[_Thing]:
    refund = convert(heard.object, _Refund, strict=False)
    if refund.amount_refunded:
        yield "purchase.refunded", heard.when("refunded_at"), _purchase(refund, refund.amount_refunded)


def _purchase(transaction: _Transaction, amount_cents: int) -> PurchaseData:
    return PurchaseData(
        order_id=own_id(transaction.id), amount_cents=amount_cents, currency=transaction.currency.upper()
    )


def _nothing(_heard: _Heard) -> Iterator[_Thing]:
    return iter(())


def _no_later(stamp: Any, than: datetime) -> datetime:
    """The instant that a stamp says, or the other one if that is earlier or the stamp says none."""
    try:
        return min(convert(stamp, Moment), than)
    except ValidationError:
        return than


def own_id(vendor_id: _Id) -> str:
    """Teachable's id as ours, which must not be another tool's."""
    return f"teachable:{vendor_id}"


def _title(named: _Named | None) -> str | None:
    return ((named.name if named else None) or "").strip()[:TEXT_MAX_CHARS] or None


_READERS: dict[str, Callable[[_Heard], Iterator[_Thing]]] = {
    "LectureProgress.created": _lesson,
    "Enrollment.created": _enrolled,
    "Enrollment.completed": _course_completed,
    "Enrollment.disabled": _unenrolled,
    "Transaction.created": _paid,
    "Transaction.refunded": _refunded,
    "Sale.created": _nothing,
}
"""What happened, by the type of a hook whose object names a user."""

_PEOPLE: dict[str, Callable[[_User], bool | None]] = {
    "User.created": _answered,
    "User.updated": _withdrawn,
    "User.subscribe_to_marketing_emails": _subscribed,
    "User.unsubscribe_from_marketing_emails": _unsubscribed,
}
"""What is known of the consent to marketing, by the type of a hook whose object is a user."""
