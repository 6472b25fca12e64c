"""What the play left behind, as outside readers find it: on the topics, in the ledger, at the mail server.

Plain values, so that comparing and reporting need no server.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from demo.sent import Mail


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
class FoundDelivery:
    """One row of the ledger's deliveries; `heard_at` and `finished_at` are real time.

    Attributes:
        was_held: it was planned for later than its milestone, as for the night.
    """

    delivery_id: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTask:
    """A task for the coach."""

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
        events: events on the topic, with the real time of their append by event id.
        parked: records that delivery could not take, by topic and reason.
        addresses: name and e-mail address by client id.
        counters: samples of the processes' metrics that the report quotes, by name and labels.
    """

    milestones: tuple[FoundMilestone, ...]
    events: dict[str, int]
    events_total: int
    dead_letters: int
    addresses: dict[str, tuple[str, str]]
    deliveries: tuple[FoundDelivery, ...]
    tasks: tuple[FoundTask, ...]
    inbox: tuple[InboxItem, ...]
    mails: tuple[Mail, ...]
    parked: dict[str, int] = field(default_factory=dict)
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
