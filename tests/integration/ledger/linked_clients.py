"""Two clients on a real ledger, linked as `agents.linking` does it, with what is published of it handed to delivery."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.intake.outgoing import Outgoing
from agents.ledger.links import Carried
from agents.ledger.wishes import read_wishes
from agents.linking import Couple, link_clients
from tests.integration.ledger.ledger_practice import Practice


@dataclass
class Topic:
    """Takes what is published and hands it to delivery, as the topic does."""

    practice: Practice
    records: list[Outgoing] = field(default_factory=list)

    async def __call__(self, records: Sequence[Outgoing]) -> None:
        self.records += records

    async def arrive(self) -> None:
        pairs = [(record.key, record.value) for record in self.records]
        self.records.clear()
        if pairs:
            await self.practice.apply(self.practice.batch("coaching.clients.v1", *pairs))


async def linked(practice: Practice, client: str = "bea", into: str = "ana") -> Carried:
    """Link them, and let delivery read what is published of it."""
    topic = Topic(practice)
    couple = Couple(tenant="northstar", into=into, client=client, author="jo")
    carried = await link_clients(practice.pool, topic, couple, now=practice.now)
    await topic.arrive()
    return carried


async def two(practice: Practice, ana: dict[str, Any] | None = None, bea: dict[str, Any] | None = None) -> None:
    await practice.meet("ana", **(ana or {}))
    await practice.meet("bea", **(bea or {}))


def said(*, granted: bool, at: datetime, source: str = "crm") -> dict[str, Any]:
    return {"granted": granted, "source": source, "at": at.isoformat()}


async def marketing(practice: Practice, client: str = "ana") -> bool:
    wishes = await read_wishes(practice.pool, "northstar", client)
    assert wishes is not None
    return wishes.allows("marketing")
