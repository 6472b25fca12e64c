"""Kajabi: what a contact's tags, a payment or a form mean, as findings.

Kajabi tells of no lesson and no course. What a coach wants to count there is a tag: automations
of the site add it, and `tags` of the source says what it stands for. Removing it takes that back.

One sale sends up to `purchase`, `payment_succeeded` and `order_created`. No id is in all three (a
purchase's, a transaction's, an order's and its transactions'), so one of them is the money, the
same in whatever order they come: `payment_succeeded`, which alone says what was really paid, is
sent for each instalment, and not for a free offer. The others tell who the person is.

Pure: what stood before is handed in, as is the time of hearing, since no envelope has a time.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from agents.intake.finding import Finding, Happening, Ignored, Person
from agents.intake.kajabi_hook import Contact, Hook, Payment, Tag
from schemas.event import (
    CourseData,
    CourseProgressData,
    Data,
    GoalData,
    ProgramData,
    PurchaseData,
    RetractionData,
)
from schemas.tag_meaning import TagMeaning
from schemas.tenant import KajabiSource


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    """A tag that means something came or went.

    Attributes:
        contact: the contact's id, else the address.
        event_id: of the event that this becomes.
        at: the contact's `updated_at`, by which two changes are put in order; else when heard.
    """

    contact: str
    tag: str
    event_id: str
    at: datetime
    is_added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a tag's change means beside all that is known of the same contact and tag.

    Attributes:
        is_last: no later change is known; an earlier one that comes late says nothing.
        added_id: the event that the last adding made, None if none is known.
    """

    is_last: bool
    added_id: str | None


def tag_change(source: KajabiSource, hook: Hook, heard_at: datetime) -> TagChange | None:
    """The change of a tag that the source maps; None for any other hook."""
    contact = hook.contact.id or (hook.contact.email or "").lower()
    if hook.tag is None or not contact or meaning_of(source, hook.tag) is None:
        return None
    updated_at = hook.contact.updated_at
    said = (hook.kind, hook.id, contact, hook.tag.id, updated_at.isoformat() if updated_at else "")
    digest = blake2b(repr(said).encode(), digest_size=12).hexdigest()
    return TagChange(
        contact=contact,
        tag=hook.tag.id,
        event_id=f"{source.name}:{hook.kind}:{digest}",
        at=updated_at or heard_at,
        is_added=hook.kind == "tag_added",
    )


def meaning_of(source: KajabiSource, tag: Tag | None) -> TagMeaning | None:
    """What a tag stands for, by its name or its id."""
    if tag is None:
        return None
    return source.tags.get(tag.name or "") or source.tags.get(tag.id)


def translate(
    source: KajabiSource, hook: Hook, heard_at: datetime, standing: Standing | None = None
) -> Finding | Ignored:
    """What the hook means; `standing` belongs to a hook of which `tag_change` made one."""
    contact = hook.contact
    if not (contact.id or contact.email):
        return Ignored(reason="no_client", detail="neither a contact's id nor an e-mail address is in the payload")
    happenings = tuple(_purchase(source, payment, heard_at) for payment in hook.payments)
    change = tag_change(source, hook, heard_at)
    if change is not None and standing is not None and standing.is_last:
        happenings = _tagged(source, hook, change, standing, heard_at)
    person = Person(external_id=contact.id, email=contact.email, is_vouched=False)
    return Finding(person=person, facts=_facts(source, contact, heard_at), happenings=happenings)


def _purchase(source: KajabiSource, payment: Payment, heard_at: datetime) -> Happening:
    name = f"{source.name}:{payment.id}"
    return Happening(
        id=f"{source.name}:payment:{payment.id}",
        type="purchase.completed",
        occurred_at=min(payment.paid_at or heard_at, heard_at),
        data=PurchaseData(
            order_id=name,
            amount_cents=payment.amount_cents,
            currency=payment.currency or source.currency,
            title=payment.title,
        ),
    )


def _tagged(
    source: KajabiSource, hook: Hook, change: TagChange, standing: Standing, heard_at: datetime
) -> tuple[Happening, ...]:
    meaning = meaning_of(source, hook.tag)
    assert meaning is not None, "a change is made of a mapped tag"  # noqa: S101 - see tag_change
    type_: str = meaning.type
    data = _data(meaning)
    if not change.is_added and meaning.type == "goal.completed":
        type_ = "goal.reopened"
    elif not change.is_added:
        if standing.added_id is None:
            return ()
        type_, data = "event.retracted", RetractionData(event_id=standing.added_id)
    return (Happening(id=change.event_id, type=type_, occurred_at=heard_at, data=data),)


def _data(meaning: TagMeaning) -> Data:
    if meaning.type == "goal.completed":
        return GoalData(goal_id=meaning.id, title=meaning.title)
    if meaning.type == "course.completed":
        return CourseData(course_id=meaning.id, title=meaning.title)
    if meaning.type == "course.progressed":
        percent = meaning.percent
        assert percent is not None, "course.progressed has its percent"  # noqa: S101 - TagMeaning refuses it otherwise
        return CourseProgressData(course_id=meaning.id, title=meaning.title, percent=percent)
    return ProgramData(program_id=meaning.id, title=meaning.title)


def _facts(source: KajabiSource, contact: Contact, heard_at: datetime) -> dict[str, Any]:
    """The contact's facts; `subscribed` is the consent to marketing.

    A subscription is dated by the contact's making, a withdrawal by the latest change. For
    Kajabi repeats `subscribed: true` with every tag and does not say since when: were it dated
    by the tag, it would undo what the client withdrew elsewhere.
    """
    facts: dict[str, Any] = {"name": contact.name, "email": contact.email, "phone": contact.phone}
    if contact.is_subscribed is not None:
        at = contact.created_at if contact.is_subscribed else contact.updated_at
        said = {"granted": contact.is_subscribed, "source": source.name, "at": min(at or heard_at, heard_at)}
        facts["consents"] = {"marketing": said}
    return facts
