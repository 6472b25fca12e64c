"""Kajabi's hooks: two forms of body, read into one.

Hooks made by its API send JSON:API resources (`id`, `event`, `payload: [...]`) under undotted
names; hooks made in the site's settings send flat fields, or objects `member`, `offer` and
`payment_transaction`, under dotted names, cents with `_decimal` twins, and never a tag.

Pure. A hook holds names and addresses: nothing of it goes into a log or a reason.
Source: Kajabi's pages "Webhooks: ... sample" and "Outbound webhook data reference".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from agents.intake.finding import Ignored
from agents.intake.vendor_json import address, identifier, moment, part, read_object, words

Kind = Literal["tag_added", "tag_removed", "payment", "sale", "form"]

_KINDS: Mapping[str, Kind] = {
    "tag_added": "tag_added",
    "tag_removed": "tag_removed",
    "payment_succeeded": "payment",
    "purchase": "sale",
    "purchase_created": "sale",
    "order_created": "sale",
    "form_submission": "form",
    "form_submitted": "form",
    "form_submission_created": "form",
}
_CHARGES = frozenset({None, "charge", "subscribe", "subscription_charge"})
"""Transactions by which money comes in: no refund, dispute, test or purchase of a free offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom a hook is about.

    Attributes:
        id: the contact's, or `customer:` and the customer's where only that is told.
        is_subscribed: to the site's marketing mails; None where it is not told.
    """

    id: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    is_subscribed: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came in, by the id of its transaction; `currency` as Kajabi says it, if it does."""

    id: str
    amount_cents: int
    currency: str | None
    title: str | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag by its id and name."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a hook says; `id` is the envelope's, the same for all that happens to one resource."""

    kind: Kind
    id: str
    contact: Contact
    payments: tuple[Payment, ...] = ()
    tag: Tag | None = None


def read_hook(body: bytes) -> Hook | Ignored:
    """The hook in either form; a payment or a tag that cannot be read is `wrong_data`."""
    message = read_object(body)
    if isinstance(message, Ignored):
        return message
    event = message.get("event")
    kind = _KINDS.get(event.replace(".", "_")) if isinstance(event, str) else None
    if kind is None:
        return Ignored(reason="unknown_action", detail="event is none that Kajabi is known to send")
    payload = message.get("payload")
    try:
        if isinstance(payload, list):
            return _resources(kind, message, payload)
        return _flat(kind, message, payload if isinstance(payload, Mapping) else message)
    except (ValueError, ArithmeticError) as error:
        return Ignored(reason="wrong_data", detail=str(error) if type(error) is ValueError else "a wrong amount")


def _resources(kind: Kind, message: Mapping[str, Any], payload: list[Any]) -> Hook:
    by_type: dict[object, list[Mapping[str, Any]]] = {}
    for resource in payload:
        if isinstance(resource, Mapping) and isinstance(resource.get("type"), str):
            by_type.setdefault(resource["type"], []).append(resource)
    payments: tuple[Payment, ...] = ()
    if kind == "payment":
        titles = [words(part(offer, "attributes").get("title")) for offer in by_type.get("offers", ())]
        title = titles[0] if len(titles) == 1 else None
        charges = [(each.get("id"), part(each, "attributes")) for each in by_type.get("transactions", ())]
        payments = tuple(_payments([(id_, {**fields, "title": title}) for id_, fields in charges]))
    tags = by_type.get("contact_tags", [{}]) if kind in {"tag_added", "tag_removed"} else []
    return Hook(
        kind=kind,
        id=identifier(message.get("id")) or "",
        contact=_contact(by_type),
        payments=payments,
        tag=_tag(tags[0]) if tags else None,
    )


def _contact(by_type: Mapping[object, list[Mapping[str, Any]]]) -> Contact:
    for type_ in ("contacts", "customers", "form_submissions"):
        for resource in by_type.get(type_, ()):
            id_ = identifier(resource.get("id")) if type_ != "form_submissions" else None
            if type_ == "customers":
                id_ = identifier(part(resource, "relationships", "contact", "data").get("id")) or _customer(id_)
            return _person(id_, part(resource, "attributes"))
    return Contact()


def _customer(id_: str | None) -> str | None:
    """A customer's id, which is none of the contacts': the two are numbered apart."""
    return f"customer:{id_}" if id_ else None


def _person(id_: str | None, fields: Mapping[str, Any]) -> Contact:
    subscribed = fields.get("subscribed")
    return Contact(
        id=id_,
        email=address(fields.get("email")),
        name=words(fields.get("name")) or words(fields.get("first_name"), fields.get("last_name")),
        phone=words(fields.get("mobile_phone_number")) or words(fields.get("phone_number")),
        is_subscribed=subscribed if isinstance(subscribed, bool) else None,
        created_at=moment(fields.get("created_at")),
        updated_at=moment(fields.get("updated_at")),
    )


def _tag(resource: Mapping[str, Any]) -> Tag:
    id_ = identifier(resource.get("id"))
    if id_ is None:
        raise ValueError("payload must have a contact_tags resource with its id")
    return Tag(id=id_, name=words(part(resource, "attributes").get("name")))


def _flat(kind: Kind, message: Mapping[str, Any], fields: Mapping[str, Any]) -> Hook:
    if kind in {"tag_added", "tag_removed"}:
        raise ValueError("payload must be a list of resources: hooks of the site's settings have no tags")
    member = part(fields, "member")
    prefixed = {name.removeprefix("member_"): fields[name] for name in fields if name.startswith("member_")}
    if member:
        contact = _person(identifier(member.get("id")), member)
    elif prefixed:
        contact = _person(_customer(identifier(prefixed.get("id"))), prefixed)
    else:
        contact = _person(None, fields)
    payments: tuple[Payment, ...] = ()
    if kind == "payment":
        charge = part(fields, "payment_transaction") or part(fields, "transaction") or fields
        id_ = charge.get("transaction_id") or (charge.get("id") if charge is not fields else None) or message.get("id")
        title = words(part(fields, "offer").get("title")) or words(fields.get("offer_title"))
        payments = tuple(_payments([(id_, {**charge, "title": title})]))
    return Hook(kind=kind, id=identifier(message.get("id")) or "", contact=contact, payments=payments)


def _payments(charges: list[tuple[object, Mapping[str, Any]]]) -> Iterator[Payment]:
    """The charges by which money came in."""
    if not charges:
        raise ValueError("payload must have a transactions resource")
    for id_, fields in charges:
        known = identifier(id_)
        if known is None:
            raise ValueError("a transaction must have an id")
        amount_cents = _cents(fields)
        is_charge = words(fields.get("action")) in _CHARGES and words(fields.get("state")) in {None, "succeeded"}
        if is_charge and amount_cents > 0:
            currency = words(fields.get("currency"))
            yield Payment(
                id=known,
                amount_cents=amount_cents,
                currency=currency.upper() if currency else None,
                title=fields["title"],
                paid_at=moment(fields.get("created_at")),
            )


def _cents(fields: Mapping[str, Any]) -> int:
    """The amount in cents; its decimal twin is asked where the cents are missing.

    Raises:
        ValueError, ArithmeticError: there is no amount.
    """
    for name in ("amount_in_cents", "amount_paid"):
        if isinstance(fields.get(name), int) and not isinstance(fields[name], bool):
            return int(fields[name])
    twin = fields.get("amount_paid_decimal")
    if isinstance(twin, bool) or not isinstance(twin, str | int | float):
        raise ValueError("a transaction must have amount_in_cents, amount_paid or amount_paid_decimal")  # noqa: TRY004 - the sender's fault
    cents = Decimal(str(twin)) * 100
    if not cents.is_finite() or cents != cents.to_integral_value() or abs(cents) > 10**12:
        raise ValueError("amount_paid_decimal must be an amount with up to two decimals")
    return int(cents)
