"""What the planning tests share: a noon in May, a client, a milestone."""

from datetime import UTC, datetime
from typing import Any

from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import Policy
from streams.planning.client_view import ClientView, view_client

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
NIGHT = datetime(2026, 5, 5, 22, tzinfo=UTC)
MORNING = datetime(2026, 5, 6, 8, tzinfo=UTC)


def won(tier: str = "streak", **changes: Any) -> Milestone:
    fields: dict[str, Any] = {
        "type": "milestone.reached",
        "tenant": "northstar",
        "client": "ana",
        "milestone_id": "0a" * 16,
        "revision": 1,
        "rule": "a-rule",
        "kind": "count",
        "name": "36 sessions",
        "tier": tier,
        "threshold": 36,
        "occurrence": "once",
        "value": 36,
        "reached_at": NOON,
        "rulebook": "d1",
    }
    return Milestone(**{**fields, **changes})


def client(
    *, erased: bool = False, opted_out: tuple[str, ...] = (), suppression: Any = None, **profile: Any
) -> ClientView:
    return view_client(
        Profile.model_validate(profile) if profile else None,
        erased=erased,
        fallback_zone="UTC",
        opted_out=opted_out,
        suppression=suppression,
    )


def consent(*granted: str, refused: tuple[str, ...] = ()) -> dict[str, Any]:
    at = NOON.isoformat()
    return {
        "consents": {
            **{kind: {"granted": True, "source": "form", "at": at} for kind in granted},
            **{kind: {"granted": False, "source": "form", "at": at} for kind in refused},
        }
    }


def policy(**changes: Any) -> Policy:
    return Policy.model_validate(changes)
