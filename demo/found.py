"""What the play left behind, as outside readers find it: on the topics, in the ledger, at the mail server.

Plain values, so that comparing and reporting need no server.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from demo.given import Asked, Order, Visit
from demo.sent import Mail

MESSAGES = frozenset({"email", "in_app"})
LEFT = frozenset({"sent", "delivered"})
_NOT_ASKED = frozenset({"no_consent", "suppressed", "opted_out", "merged"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMilestone:
    """One record of the milestones topic.

    Attributes:
        client: the pseudonymous id.
        caused_by: the event's id; None when time alone caused it.
        is_timed: a deadline brought it about, however early its event came.
        appended_ms: real time.
    """

    milestone_id: str
    revision: int
    is_reached: bool
    client: str
    rule: str
    tier: str
    threshold: float | None
    caused_by: str | None
    is_timed: bool
    appended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """One event of the events topic.

    Attributes:
        client: the pseudonymous id.
        happened_at: as its tool says, in the play's calendar.
        day: the local day that its tool says it belongs to.
        appended_ms: real time, of its first copy.
    """

    client: str
    happened_at: datetime
    day: str | None
    appended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDelivery:
    """One row of the ledger's deliveries; `heard_at` and `finished_at` are real time.

    Attributes:
        was_held: it was planned for later than its milestone, as for the night.
        merged_into: the celebration whose message tells of this one too.
    """

    delivery_id: str
    celebration_id: str
    milestone_id: str
    client: str
    rule: str
    tier: str
    milestone: str
    channel: str
    state: str
    reason: str | None
    was_held: bool
    heard_at: datetime
    finished_at: datetime | None
    merged_into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTask:
    """A task for the coach; `celebration_id` is what it is about."""

    celebration_id: str | None
    client: str
    kind: str
    reason: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """An in-app message as its client reads it; `item_id` is the delivery's."""

    item_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that outside readers found.

    Attributes:
        events: events on the topic, by id.
        zones: time zone by client id, where a profile says it.
        parked: records that delivery could not take, by topic and reason.
        addresses: name and e-mail address by client id.
        orders: gifts, as Tremendous has them.
        asked: who was asked for a referral.
        spent_cents: what the ledger says that gifts have cost.
        visits: what was at the addresses that somebody opened.
        counters: samples of the processes' metrics that the report quotes, by name and labels.
    """

    milestones: tuple[FoundMilestone, ...]
    events: dict[str, FoundEvent]
    events_total: int
    dead_letters: int
    addresses: dict[str, tuple[str, str]]
    deliveries: tuple[FoundDelivery, ...]
    tasks: tuple[FoundTask, ...]
    inbox: tuple[InboxItem, ...]
    mails: tuple[Mail, ...]
    parked: dict[str, int] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    asked: tuple[Asked, ...] = ()
    spent_cents: int = 0
    visits: tuple[Visit, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)

    def standing(self) -> tuple[FoundMilestone, ...]:
        """Each milestone at its highest revision, without those that were withdrawn."""
        latest: dict[str, FoundMilestone] = {}
        for record in self.milestones:
            known = latest.get(record.milestone_id)
            if known is None or (record.revision, not record.is_reached) >= (
                known.revision,
                not known.is_reached,
            ):
                latest[record.milestone_id] = record
        return tuple(record for record in latest.values() if record.is_reached)

    def address(self, client: str) -> str:
        """The client's address in lower case; the id itself when no profile is known."""
        return self.addresses.get(client, ("", client))[1].lower()

    def name(self, client: str) -> str:
        """The client's name; the id itself when no profile is known."""
        return self.addresses.get(client, ("", ""))[0] or client

    def sent(self) -> Counter[tuple[str, str, str]]:
        """Messages that left, by address, rule and channel, as mail server and inbox have them."""
        by_id = {delivery.delivery_id: delivery for delivery in self.deliveries}
        ids = [(mail.delivery_id, "email") for mail in self.mails]
        ids += [(item.item_id, "in_app") for item in self.inbox]
        return Counter(
            (self.address(by_id[id_].client), by_id[id_].rule, channel)
            if id_ in by_id
            else ("unknown to the ledger", id_, channel)
            for id_, channel in ids
        )

    def given(self) -> Counter[tuple[str, str, str]]:
        """What the ledger says was given beside messages, by address, rule and part."""
        return Counter(
            (self.address(delivery.client), delivery.rule, delivery.channel)
            for delivery in self.deliveries
            if delivery.channel not in MESSAGES and delivery.state in LEFT
        )

    def told_along(self) -> Counter[tuple[str, str, str]]:
        """Parts whose win was told in another win's message, if that one left, by address, rule and part."""
        left = self._left()
        leads = {delivery.celebration_id: delivery.merged_into for delivery in self.deliveries}
        told: Counter[tuple[str, str, str]] = Counter()
        for delivery in self.deliveries:
            if delivery.reason == "merged" and _lead_of(delivery.celebration_id, leads) in left:
                told[self.address(delivery.client), delivery.rule, delivery.channel] += 1
        return told

    def waiting_gifts(self) -> Counter[str]:
        """Gifts that did not go because a coach is asked first, by address."""
        return Counter(
            self.address(delivery.client)
            for delivery in self.deliveries
            if delivery.channel == "gift" and delivery.state not in LEFT and delivery.reason not in _NOT_ASKED
        )

    def _left(self) -> set[str]:
        """The celebrations of which a message is at the mail server or in an inbox."""
        arrived = {mail.delivery_id for mail in self.mails} | {item.item_id for item in self.inbox}
        return {delivery.celebration_id for delivery in self.deliveries if delivery.delivery_id in arrived}


def _lead_of(celebration_id: str, leads: dict[str, str | None]) -> str:
    """The celebration whose message tells of this one in the end."""
    seen = {celebration_id}
    while (lead := leads.get(celebration_id)) is not None and lead not in seen:
        seen.add(lead)
        celebration_id = lead
    return celebration_id
