"""Rows: values of the domain with the names that the ledger's columns have."""

from datetime import datetime
from typing import Any

import msgspec

from schemas.celebration import Ask, Celebration, CoachTask, Decision, Delivery, celebration_id
from schemas.milestone import RETRACTED, Milestone
from streams.planning.approvals import deadlines
from streams.planning.merging import is_beyond

Row = dict[str, Any]


def milestone(found: Milestone, heard_at: datetime) -> Row:
    """A row of `milestones`."""
    return {
        "milestone_id": found.milestone_id,
        "revision": found.revision,
        "retracted": found.type == RETRACTED,
        "tenant": found.tenant,
        "client": found.client,
        "rule": found.rule,
        "tier": found.tier,
        "reached_at": found.reached_at,
        "record": found,
        "heard_at": heard_at,
    }


def celebration(planned: Celebration, heard_at: datetime, celebrated_at: datetime | None) -> Row:
    """A row of `celebrations`."""
    return {
        "celebration_id": planned.celebration_id,
        "milestone_id": planned.milestone_id,
        "revision": planned.revision,
        "tenant": planned.tenant,
        "client": planned.client,
        "rule": planned.rule,
        "tier": planned.tier,
        "mode": planned.mode,
        "outcome": planned.outcome,
        "moment": planned.moment,
        "planned_at": planned.planned_at,
        "due_at": planned.due_at,
        "expires_at": planned.expires_at,
        "celebrated_at": celebrated_at,
        "heard_at": heard_at,
        "variant": planned.variant,
        "phrase": planned.phrase,
        "merged_into": planned.merged_into,
        "gift_cents": planned.gift_cents,
        "next_step": planned.next_step,
        "is_first": planned.is_first,
        "untold": planned.merged_into is None and is_beyond(planned),
    }


def delivery(
    planned: Celebration, part: Delivery, heard_at: datetime, *, sent: bool, carried_by: str | None = None
) -> Row:
    """A row of `deliveries`; `sent` for an in-app message that the same transaction shows, and what it carries."""
    return {
        "delivery_id": part.delivery_id,
        "celebration_id": planned.celebration_id,
        "channel": part.channel,
        "tenant": planned.tenant,
        "client": planned.client,
        "rule": planned.rule,
        "tier": planned.tier,
        "state": "sent" if sent else part.state,
        "reason": part.reason,
        "due_at": part.due_at,
        "expires_at": part.expires_at,
        "heard_at": heard_at,
        "carried_by": carried_by,
    }


def decision(about: Milestone, decided: Decision, now: datetime) -> Row:
    """A row of `decisions`."""
    return {
        "milestone_id": about.milestone_id,
        "revision": about.revision,
        "tenant": about.tenant,
        "client": about.client,
        "part": decided.part,
        "outcome": decided.outcome,
        "reason": decided.reason,
        "detail": decided.detail,
        "decided_at": now,
    }


def inbox(about: Milestone, item_id: str, title: str, text: str, html: str) -> Row:
    """A row of `inbox`."""
    return {
        "item_id": item_id,
        "tenant": about.tenant,
        "client": about.client,
        "tier": about.tier,
        "title": title,
        "text": text,
        "html": html,
    }


def task(about: Milestone, asked: CoachTask, coach: str | None, now: datetime) -> Row:
    """A row of `coach_tasks`."""
    return {
        "tenant": about.tenant,
        "client": about.client,
        "coach": coach,
        "celebration_id": celebration_id(about.milestone_id),
        "kind": asked.kind,
        "part": asked.part,
        "reason": asked.reason,
        "summary": asked.summary,
        "minutes": asked.minutes,
        "planned_at": now,
    }


def ask(about: Milestone, asked: Ask, coach: str, *, expires_at: datetime, now: datetime) -> Row:
    """A row of `approvals`; the coach is named by id."""
    until = deadlines(now, expires_at)
    return {
        "celebration_id": celebration_id(about.milestone_id),
        "tenant": about.tenant,
        "client": about.client,
        "coach": coach,
        "revision": about.revision,
        "parts": asked.parts,
        "cents": asked.cents,
        "asked_at": now,
        "escalate_at": until.escalate_at,
        "close_at": until.close_at,
        "expires_at": expires_at,
    }


def recorded_milestone(record: str) -> Milestone:
    """The milestone as `milestones.record` keeps it."""
    return msgspec.json.decode(record, type=Milestone)
