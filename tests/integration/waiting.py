"""A celebration that waits for a coach, written as the celebrator writes it: all of it in one transaction."""

from datetime import UTC, datetime, timedelta

from agents.ledger import rows
from agents.ledger.approvals import ask_approvals
from agents.ledger.celebrations import Page, write_page
from agents.ledger.pool import Pool
from schemas.celebration import celebration_id, delivery_id
from schemas.milestone import Milestone
from streams.planning.approvals import deadlines
from tests.integration.ledger.ledger_practice import NOON, reached

HEARD_AT = datetime(2026, 5, 5, 12, tzinfo=UTC)


def thirty_six(client: str = "ana", **changes: object) -> Milestone:
    facts = {"title": "Personal training", "session_number": 36, "so_far": {"sessions": 36}}
    return reached(
        "thirty-six", "major", "count", client=client, threshold=36, name="36 sessions", facts=facts, **changes
    )


async def wait_for_coach(
    pool: Pool,
    *parts: str,
    milestone: Milestone | None = None,
    gone: tuple[str, ...] = (),
    coach: str = "jo",
    now: datetime = NOON,
    expires_hours: float = 48,
) -> str:
    """Plan it: `parts` wait for the coach, `gone` goes by itself; returns the celebration's id."""
    about = milestone or thirty_six()
    own_id, expires_at = celebration_id(about.milestone_id), now + timedelta(hours=expires_hours)
    shared = {
        "celebration_id": own_id, "tenant": about.tenant, "client": about.client, "rule": about.rule,
        "tier": about.tier, "due_at": now, "expires_at": expires_at, "heard_at": HEARD_AT,
    }  # fmt: skip
    states = {**dict.fromkeys(parts, ("held", "approval")), **dict.fromkeys(gone, ("pending", None))}
    page = Page(
        milestones=[rows.milestone(about, HEARD_AT)],
        celebrations=[
            {
                **shared,
                "milestone_id": about.milestone_id,
                "revision": about.revision,
                "mode": "live",
                "outcome": "hold",
                "moment": None,
                "planned_at": now,
                "celebrated_at": None,
            }
        ],
        deliveries=[
            {**shared, "delivery_id": delivery_id(own_id, part), "channel": part, "state": state, "reason": reason}
            for part, (state, reason) in states.items()
        ],
    )
    times = deadlines(now, expires_at)
    asked = {
        "celebration_id": own_id, "tenant": about.tenant, "client": about.client, "coach": coach, "parts": parts,
        "cents": 2500 if "gift" in parts else 0, "asked_at": now, "escalate_at": times.escalate_at,
        "close_at": times.close_at, "expires_at": expires_at, "revision": about.revision,
    }  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO clients (tenant, client) VALUES ($1, $2) ON CONFLICT DO NOTHING", about.tenant, about.client
        )
        await write_page(connection, page)
        await ask_approvals(connection, [asked] if parts else [])
    return own_id
