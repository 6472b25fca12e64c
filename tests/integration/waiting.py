"""A celebration that waits for a coach, written as the celebrator writes it: all of it in one transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

from agents.channels.render import Renderer
from agents.ledger import rows
from agents.ledger.approvals import ask_approvals
from agents.ledger.celebrations import Page, write_page
from agents.ledger.pool import Pool
from schemas.celebration import celebration_id, delivery_id
from schemas.milestone import Milestone
from streams.planning.approvals import deadlines
from tests.integration.ledger.ledger_practice import NOON, reached

RENDERER = Renderer()
HEARD_AT = datetime(2026, 5, 5, 12, tzinfo=UTC)


def thirty_six(client: str = "ana", **changes: object) -> Milestone:
    facts = {"title": "Personal training", "session_number": 36, "so_far": {"sessions": 36}}
    return reached(
        "thirty-six", "major", "count", client=client, threshold=36, name="36 sessions", facts=facts, **changes
    )


async def wait_for_coach(
    pool: Pool, *parts: str, milestone: Milestone | None = None, gone: tuple[str, ...] = (), coach: str = "jo"
) -> str:
    """Plan it at noon: `parts` wait for the coach, `gone` goes by itself; returns the celebration's id."""
    about = milestone or thirty_six()
    states = {**dict.fromkeys(parts, ("held", "approval")), **dict.fromkeys(gone, ("pending", None))}
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO clients (tenant, client) VALUES ($1, $2) ON CONFLICT DO NOTHING", about.tenant, about.client
        )
        await write_page(connection, _page(about, states))
        await ask_approvals(connection, [_asked(about, parts, coach)] if parts else [])
    return celebration_id(about.milestone_id)


def _page(about: Milestone, states: dict[str, tuple[str, str | None]]) -> Page:
    own_id = celebration_id(about.milestone_id)
    shared: dict[str, Any] = {
        "celebration_id": own_id, "tenant": about.tenant, "client": about.client, "rule": about.rule,
        "tier": about.tier, "due_at": NOON, "expires_at": NOON + timedelta(hours=48), "heard_at": HEARD_AT,
    }  # fmt: skip
    celebration = {
        **shared, "milestone_id": about.milestone_id, "revision": about.revision, "mode": "live", "outcome": "hold",
        "moment": None, "planned_at": NOON, "celebrated_at": None, "gift_cents": 2500, "phrase": 0, "is_first": False,
        "untold": False, "next_step": None, "variant": None, "merged_into": None,
    }  # fmt: skip
    deliveries = [
        {**shared, "delivery_id": delivery_id(own_id, part), "channel": part, "state": state, "reason": reason}
        for part, (state, reason) in states.items()
    ]
    return Page(milestones=[rows.milestone(about, HEARD_AT)], celebrations=[celebration], deliveries=deliveries)


def _asked(about: Milestone, parts: tuple[str, ...], coach: str) -> dict[str, Any]:
    expires_at = NOON + timedelta(hours=48)
    times = deadlines(NOON, expires_at)
    return {
        "celebration_id": celebration_id(about.milestone_id), "tenant": about.tenant, "client": about.client,
        "coach": coach, "parts": parts, "cents": 2500 if "gift" in parts else 0, "asked_at": NOON,
        "escalate_at": times.escalate_at, "close_at": times.close_at, "expires_at": expires_at,
        "revision": about.revision,
    }  # fmt: skip
