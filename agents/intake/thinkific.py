"""Thinkific: signed hooks of enrolments, lessons and orders, to findings.

An enrolment's progress comes in no order, may fall when a lesson is removed, and arrives beside
`lesson.completed` without a key that they share. It is passed on as it was said: the tracker
keeps the highest, so a lower one that comes late changes nothing.

Pure: the time of hearing is handed in.
Source: Thinkific's developer pages "Webhooks" and "Webhook Payload Samples".
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.vendor_json import address, identifier, moment, part, read_object, words
from agents.signature_fit import fits_one
from schemas.event import (
    CourseData,
    CourseProgressData,
    Data,
    LessonData,
    MembershipData,
    ProgramData,
    PurchaseData,
)
from schemas.tenant import ThinkificSource

_WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a delivery says: the event's type, its data, and its own time if the payload has one."""

    type: str
    data: Data
    at: datetime | None = None


_Reader = Callable[[ThinkificSource, Mapping[str, Any]], _Said | None]


def is_signed(body: bytes, signature: str, keys: Sequence[str]) -> bool:
    """Whether one of the keys signed the raw body (`X-Thinkific-Hmac-Sha256`, hexadecimal).

    Every key is tried, so that the time taken does not tell which one fits.
    """
    return fits_one(signature, [hmac.new(key.encode(), body, sha256).hexdigest() for key in keys])


def translate(source: ThinkificSource, body: bytes, heard_at: datetime) -> Finding | Ignored:
    """What a verified delivery means; `heard_at` dates one without a time of its own."""
    message = read_object(body)
    if isinstance(message, Ignored):
        return message
    read = _READERS.get(f"{message.get('resource')}.{message.get('action')}")
    if read is None:
        return Ignored(reason="unknown_action", detail="resource and action are none that become an event")
    payload = part(message, "payload")
    user = part(payload, "user") or part(payload, "order", "user")
    person = Person(external_id=identifier(user.get("id")), email=address(user.get("email")))
    if not (person.external_id or person.email):
        return Ignored(reason="no_client", detail="payload must have a user with an id or an email")
    delivery_id = identifier(message.get("id"))
    try:
        said = read(source, payload)
    except ValueError as error:
        return Ignored(reason="wrong_data", detail=str(error))
    if delivery_id is None:
        return Ignored(reason="wrong_data", detail="id must be the delivery's")
    sent_at = moment(message.get("created_at")) or heard_at
    happenings = () if said is None else (_happening(source, delivery_id, said, (sent_at, heard_at)),)
    facts = {"name": words(user.get("first_name"), user.get("last_name")), "email": person.email}
    return Finding(person=person, facts=facts, happenings=happenings)


def _happening(
    source: ThinkificSource, delivery_id: str, said: _Said, known_at: tuple[datetime, datetime]
) -> Happening:
    sent_at, heard_at = known_at
    return Happening(
        id=f"{source.name}:{delivery_id}",
        type=said.type,
        occurred_at=min(said.at or sent_at, heard_at),
        data=said.data,
    )


def _enrolled(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    course_id, title = _course(source, payload)
    return _Said(
        type="program.enrolled",
        data=ProgramData(program_id=course_id, title=title),
        at=moment(payload.get("created_at")),
    )


def _progressed(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    course_id, title = _course(source, payload)
    data = CourseProgressData(course_id=course_id, title=title, percent=_percent(payload.get("percentage_completed")))
    return _Said(type="course.progressed", data=data)


def _completed(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    course_id, title = _course(source, payload)
    return _Said(
        type="course.completed",
        data=CourseData(course_id=course_id, title=title),
        at=moment(payload.get("completed_at")),
    )


def _lesson(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    course_id, _ = _course(source, payload)
    lesson = part(payload, "lesson")
    lesson_id = identifier(lesson.get("id"))
    if lesson_id is None:
        raise ValueError("payload.lesson must have an id")
    data = LessonData(course_id=course_id, lesson_id=f"{source.name}:{lesson_id}", title=words(lesson.get("name")))
    return _Said(type="lesson.completed", data=data)


def _ordered(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said | None:
    """An order; one of nothing is no money."""
    amount_cents = _whole(payload.get("amount_cents"))
    if amount_cents is None:
        raise ValueError("payload.amount_cents must be a whole number")
    if amount_cents <= 0:
        return None
    data = PurchaseData(
        order_id=_order_id(source, payload),
        amount_cents=amount_cents,
        currency=source.currency,
        title=words(payload.get("product_name")),
    )
    return _Said(type="purchase.completed", data=data, at=moment(payload.get("created_at")))


def _refunded(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    """Money given back; the payload's times are those of the purchase, so the delivery dates it."""
    order = part(payload, "order")
    currency = words(payload.get("currency"))
    data = PurchaseData(
        order_id=_order_id(source, order),
        amount_cents=_refunded_cents(payload, order),
        currency=currency.upper() if currency else source.currency,
        title=words(order.get("product_name")),
    )
    return _Said(type="purchase.refunded", data=data)


def _refunded_cents(payload: Mapping[str, Any], order: Mapping[str, Any]) -> int:
    """What was given back: the part, else the transaction, else the order.

    The unit of a transaction's amounts is not documented. They are read as cents, as those that
    are (`presentment_amount`), unless `amount` is what the order says in dollars and not in cents.
    """
    charged, dollars, cents = (
        _number(value) for value in (payload.get("amount"), order.get("amount_dollars"), order.get("amount_cents"))
    )
    unit = _WHOLE if charged is not None and charged == dollars and charged != cents else 1
    given = _number(payload.get("refunded_amount")) or charged
    amount = given * unit if given else cents
    if not amount or amount < 0 or amount != amount.to_integral_value():
        raise ValueError("payload must have a refunded_amount, an amount or an order with amount_cents")
    return int(amount)


def _ended(source: ThinkificSource, payload: Mapping[str, Any]) -> _Said:
    product_id = identifier(payload.get("product_id")) or identifier(part(payload, "product").get("id"))
    data = MembershipData(
        program_id=f"{source.name}:{product_id}" if product_id else None,
        title=words(payload.get("product_name")) or words(part(payload, "product").get("name")),
    )
    return _Said(type="membership.ended", data=data, at=moment(payload.get("cancelled_at")))


_READERS: Mapping[str, _Reader] = {
    "enrollment.created": _enrolled,
    "enrollment.progress": _progressed,
    "enrollment.completed": _completed,
    "lesson.completed": _lesson,
    "order.created": _ordered,
    "order_transaction.refunded": _refunded,
    "subscription.canceled": _ended,  # as it is sent
    "subscription.cancelled": _ended,  # as its topic is named
}


def _course(source: ThinkificSource, payload: Mapping[str, Any]) -> tuple[str, str | None]:
    """The course's id, which carries the source's name, and its title."""
    course = part(payload, "course") or part(payload, "enrollment", "course")
    course_id = (
        identifier(payload.get("course_id"))
        or identifier(course.get("id"))
        or identifier(part(payload, "enrollment").get("course_id"))
    )
    if course_id is None:
        raise ValueError("payload must have a course_id, or a course with an id")
    return f"{source.name}:{course_id}", words(course.get("name"))


def _order_id(source: ThinkificSource, order: Mapping[str, Any]) -> str:
    order_id = identifier(order.get("id"))
    if order_id is None:
        raise ValueError("the order must have an id")
    return f"{source.name}:{order_id}"


def _percent(value: object) -> float:
    """0 to 100: hooks write a text of that, the REST API a number from 0 to 1."""
    number = _number(value)
    percent = number * _WHOLE if number is not None and not isinstance(value, str) else number
    if percent is None or not 0 <= percent <= _WHOLE:
        raise ValueError("payload.percentage_completed must be a text from 0 to 100")
    return float(percent)


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _number(value: object) -> Decimal | None:
    """The number in a JSON number or a text, exactly; None if it is none or beyond all reason."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and abs(number) <= 10**12 else None
