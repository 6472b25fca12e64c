"""Agreement on what was given: certificates, badges, videos, gifts, referral asks, and what was told along.

Each number has two witnesses where there are two: what the ledger says was given, and what is at
the mail server, at Tremendous and behind the addresses.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from demo.count_given import Given
from demo.found import LEFT, MESSAGES, Found

_NEVER_MERGED = frozenset({"major", "nudge"})
_PATHS = {"certificate": "c", "badge": "b", "video": "v", "referral": "r"}
_PDF = b"%PDF-"
_EXECUTED = "EXECUTED"
K = TypeVar("K", bound=Hashable)


def differences_given(given: Given, found: Found) -> list[str]:
    """One line for each thing on which Cairn and the count, or two of our readers, differ."""
    return [
        *_parts(given, found),
        *_certificates(given, found),
        *_orders(given, found),
        *_referrals(given, found),
        *_links(found),
        *_merged(found),
        *(f"{one.what}: {one.found}, expected {one.expected}" for one in found.visits if one.found != one.expected),
    ]


def _parts(given: Given, found: Found) -> Iterator[str]:
    along = Counter({key: times for key, times in found.told_along().items() if key[2] not in MESSAGES})
    for (client, rule, part), ours, theirs in _unlike(found.given() + along, given.parts):
        yield f"{part} for {rule} of {client}: {ours} given, {theirs} counted"
    for client, ours, theirs in _unlike(found.waiting_gifts(), given.waiting):
        yield f"gift of {client} that waits for a coach: {ours} in the ledger, {theirs} counted"


def _certificates(given: Given, found: Found) -> Iterator[str]:
    attached = Counter(mail.to for mail in found.mails for content in mail.files.values() if content.startswith(_PDF))
    for client, ours, theirs in _unlike(attached, _clients(given, "certificate")):
        yield f"certificates in mails to {client}: {ours} attached, {theirs} counted"


def _orders(given: Given, found: Found) -> Iterator[str]:
    ordered = Counter((order.email, order.cents) for order in found.orders if order.status == _EXECUTED)
    for (client, cents), ours, theirs in _unlike(ordered, given.gifts):
        yield f"gifts of {cents} cents to {client}: {ours} ordered at Tremendous, {theirs} counted"
    for order in found.orders:
        if order.status != _EXECUTED:
            yield f"the gift to {order.email} is {order.status} at Tremendous"
    if found.spent_cents != given.cents:
        yield f"cents spent: {found.spent_cents} in the ledger, {given.cents} counted"


def _referrals(given: Given, found: Found) -> Iterator[str]:
    asked = Counter(found.address(one.client) for one in found.asked)
    for client, ours, theirs in _unlike(asked, _clients(given, "referral")):
        yield f"referral asks of {client}: {ours} in the ledger, {theirs} counted"
    linked = Counter(mail.to for mail in found.mails for link in mail.links if _path(link) == _PATHS["referral"])
    for client, ours, theirs in _unlike(linked, _clients(given, "referral")):
        yield f"referral links in mails to {client}: {ours} found, {theirs} counted"


def _links(found: Found) -> Iterator[str]:
    """A keepsake that the ledger sends with a mail has its address in that mail, and no other has."""
    mails = {mail.delivery_id: mail for mail in found.mails}
    carriers = {one.celebration_id: mails[one.delivery_id] for one in found.deliveries if one.delivery_id in mails}
    carried = Counter(
        (carriers[one.celebration_id].delivery_id, one.channel)
        for one in found.deliveries
        if one.channel in _PATHS and one.state in LEFT and one.celebration_id in carriers
    )
    parts = {path: part for part, path in _PATHS.items()}
    linked = Counter(
        (mail.delivery_id, parts[path]) for mail in found.mails for link in mail.links if (path := _path(link)) in parts
    )
    for (delivery_id, part), ours, theirs in _unlike(linked, carried):
        mail = f"the {part} in a mail to {mails[delivery_id].to}"
        yield f"{mail}: {ours} addresses, {theirs} in the ledger"


def _path(link: str) -> str:
    """The first part of an address' path."""
    return urlsplit(link).path.split("/")[1] if urlsplit(link).path.count("/") > 1 else ""


def _merged(found: Found) -> Iterator[str]:
    """A major and a nudge have a message of their own."""
    for delivery in found.deliveries:
        if delivery.reason == "merged" and delivery.tier in _NEVER_MERGED:
            client = found.address(delivery.client)
            yield f"{delivery.channel} about {delivery.rule} to {client}: merged away, which no {delivery.tier} may be"


def _clients(given: Given, part: str) -> Counter[str]:
    clients: Counter[str] = Counter()
    for (client, _, name), times in given.parts.items():
        if name == part:
            clients[client] += times
    return clients


def _unlike(ours: Mapping[K, int], theirs: Mapping[K, int]) -> Iterator[tuple[K, int, int]]:
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        if ours.get(key, 0) != theirs.get(key, 0):
            yield key, ours.get(key, 0), theirs.get(key, 0)
