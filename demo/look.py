"""Looks at what the play left behind with readers of its own: a bare consumer, SQL, plain HTTP.

It must never use the service's code to read, so that a mistake there cannot hide here.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiokafka import ConsumerRecord

from demo.found import Found, FoundDelivery, FoundEvent, FoundMilestone, FoundTask, InboxItem
from demo.given import Asked, Order
from demo.people import COACHES
from demo.sent import Mail, parse_mail
from demo.topic import read_topic

MILESTONES_TOPIC = "coaching.milestones.v1"
EVENTS_TOPIC = "coaching.events.v1"
DEAD_LETTERS_TOPIC = "coaching.dead-letters.v1"

_COACHES = frozenset(coach.email for coach in COACHES)

_DELIVERIES = """
SELECT d.delivery_id, d.celebration_id, c.merged_into, c.milestone_id, d.client, d.rule, d.tier,
       m.record ->> 'name' AS milestone, d.channel, d.state, d.reason,
       d.due_at > c.planned_at + interval '1 minute' AS was_held, d.heard_at, d.finished_at
FROM deliveries d JOIN celebrations c USING (celebration_id) JOIN milestones m USING (milestone_id)
"""
_TASKS = "SELECT celebration_id, client, kind, reason, minutes FROM coach_tasks"
_ASKED = "SELECT celebration_id, client FROM referrals"
_SPENT = "SELECT coalesce(sum(cents), 0) FROM money WHERE state = 'spent'"
_PARKED = "SELECT topic || ': ' || reason || ': ' || detail AS why, count(*) AS times FROM refused_records GROUP BY 1"
_INBOX = "SELECT item_id, title, text FROM inbox ORDER BY position"
_ADDRESSES = """
SELECT client, profile ->> 'name' AS name, profile ->> 'email' AS email, profile ->> 'timezone' AS zone FROM clients
"""


async def look(
    *, kafka: str, dsn: str, mails_folder: Path, metrics_urls: tuple[str, ...], orders: tuple[Order, ...] = ()
) -> Found:
    """Read topics, ledger, mails and metrics; `orders` are what Tremendous shows."""
    milestones = [_milestone(record) async for record in read_topic(kafka, MILESTONES_TOPIC)]
    events = [record async for record in read_topic(kafka, EVENTS_TOPIC)]
    dead = [record async for record in read_topic(kafka, DEAD_LETTERS_TOPIC)]
    connection = await asyncpg.connect(dsn)
    try:
        addresses = await connection.fetch(_ADDRESSES)
        deliveries = await connection.fetch(_DELIVERIES)
        tasks = await connection.fetch(_TASKS)
        inbox = await connection.fetch(_INBOX)
        parked = await connection.fetch(_PARKED)
        asked = await connection.fetch(_ASKED)
        spent_cents = await connection.fetchval(_SPENT)
    finally:
        await connection.close()
    return Found(
        milestones=tuple(milestones),
        events=_by_id(events),
        zones={row["client"]: row["zone"] for row in addresses if row["zone"]},
        events_total=len(events),
        dead_letters=len(dead),
        parked={row["why"]: row["times"] for row in parked},
        addresses={row["client"]: (row["name"] or "", row["email"] or "") for row in addresses},
        deliveries=tuple(FoundDelivery(**row) for row in deliveries),
        tasks=tuple(FoundTask(**row) for row in tasks),
        inbox=tuple(InboxItem(**row) for row in inbox),
        mails=read_mails(mails_folder),
        orders=orders,
        asked=tuple(Asked(**row) for row in asked),
        spent_cents=spent_cents,
        counters=await read_metrics(metrics_urls),
    )


def read_mails(folder: Path) -> tuple[Mail, ...]:
    """The mails to clients that the mail server received, oldest first; coaches get theirs about tasks beside them."""
    mails = (parse_mail(path.read_bytes()) for path in sorted(folder.glob("*.eml")))
    return tuple(mail for mail in mails if mail.to not in _COACHES)


async def read_metrics(urls: tuple[str, ...]) -> dict[str, float]:
    """All samples by name and labels, added up over the processes (Prometheus text format)."""
    samples: dict[str, float] = {}
    async with aiohttp.ClientSession() as session:
        for url in urls:
            async with session.get(url) as response:
                text = await response.text()
            for line in text.splitlines():
                if line and not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    samples[name] = samples.get(name, 0.0) + float(value)
    return samples


def _milestone(record: ConsumerRecord) -> FoundMilestone:
    """A record in the binary mode of CloudEvents: type in a header, data in the value."""
    headers = {name: value.decode() for name, value in record.headers}
    data = json.loads(record.value)
    facts = data.get("facts") or {}
    return FoundMilestone(
        milestone_id=data["milestone_id"],
        revision=data["revision"],
        is_reached=headers["ce_type"] == "milestone.reached",
        client=record.key.decode().partition("/")[2],
        rule=data["rule"],
        tier=data["tier"],
        threshold=data["threshold"],
        caused_by=data.get("caused_by"),
        is_timed=data["threshold"] is None or bool(facts.get("inferred")),
        appended_ms=record.timestamp,
    )


def _by_id(records: list[ConsumerRecord]) -> dict[str, FoundEvent]:
    """Each event as it first came onto the topic."""
    first: dict[str, FoundEvent] = {}
    for record in records:
        event: dict[str, Any] = json.loads(record.value)
        if event.get("id", "") not in first:
            first[event.get("id", "")] = FoundEvent(
                client=record.key.decode().partition("/")[2],
                happened_at=datetime.fromisoformat(event["time"]),
                day=(event.get("data") or {}).get("day"),
                appended_ms=record.timestamp,
            )
    return first
