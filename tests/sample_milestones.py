"""Sample milestones: one for each template that ships, with the people around them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agents.tenants import STARTER_RULEBOOK, Tenant
from schemas.celebration import Occasion
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import Policy
from schemas.rulebook import load_rulebook
from schemas.tenant import Coach, Sender

POLICY = Policy()
COACH = Coach(id="jo", name="Jo Keller", email="jo@northstar.example", signature="Northstar Strength, Vienna")
ANA = Profile(name="ana silva", email="ana@clients.example", timezone="Europe/Vienna", locale="en-GB")
SO_FAR = {
    "sessions": 21,
    "current_streak": 30,
    "longest_streak": 30,
    "weeks_since_joining": 13,
    "goals": 1,
    "percents": {"course-9": 50},
}


def tenant(folder: Path) -> Tenant:
    return Tenant(
        id="northstar",
        name="Northstar Strength",
        timezone="Europe/Vienna",
        sender=Sender(from_name="Jo at Northstar", from_address="hello@northstar.example"),
        coaches=(COACH,),
        sources=(),
        rulebook=load_rulebook(STARTER_RULEBOOK.read_text(encoding="utf-8"), "starter.yaml"),
        folder=folder,
    )


def occasion(reached: Milestone, **changes: Any) -> Occasion:
    """The milestone as it is told an hour later."""
    fields: dict[str, Any] = {
        "milestone": reached,
        "tier_policy": POLICY.tiers[reached.tier],
        "told_at": reached.reached_at + timedelta(hours=1),
    }
    return Occasion(**{**fields, **changes})


def milestone(rule: str, kind: str, tier: str, threshold: int | None, **changes: object) -> Milestone:
    fields: dict[str, object] = {
        "type": "milestone.reached",
        "tenant": "northstar",
        "client": "c-17",
        "milestone_id": "0f" * 16,
        "revision": 1,
        "rule": rule,
        "kind": kind,
        "name": rule,
        "tier": tier,
        "threshold": threshold,
        "occurrence": "once",
        "value": threshold or 1,
        "reached_at": datetime(2026, 5, 5, 17, 30, tzinfo=UTC),
        "rulebook": "d1",
        "facts": {"so_far": SO_FAR},
    }
    return Milestone(**{**fields, **changes})


def streak(days: int, **changes: object) -> Milestone:
    return milestone(
        "iron-streak",
        "streak",
        "streak",
        days,
        **{
            "name": f"{days}-Day Iron Streak",
            "occurrence": f"morning-run/{'2026-04-06' if days == 30 else '2026-04-22'}",
            "facts": {"title": "Morning run", "habit_id": "morning-run", "streak_days": days, "so_far": SO_FAR},
            **changes,
        },
    )


SAMPLES: dict[str, Milestone] = {
    "welcome": milestone("welcome", "count", "micro", 1, facts={}),
    "first-session": milestone(
        "first-session", "count", "micro", 1, facts={"inferred": True, "so_far": {"sessions": 1}}
    ),
    "every-ten": milestone("every-ten", "count", "micro", 20),
    "first-goal": milestone(
        "first-goal",
        "count",
        "micro",
        1,
        facts={"title": "Run 5 km without stopping", "goal_id": "g-2", "so_far": SO_FAR},
    ),
    "first-goal-bare": milestone("first-goal", "count", "micro", 1, facts={}),
    "streak-14": streak(14),
    "streak-30": streak(30),
    "streak-bare": streak(30, facts={}),
    "halfway": milestone(
        "halfway",
        "percent",
        "program",
        50,
        name="Halfway through",
        occurrence="course-9",
        facts={"title": "Strength Foundations", "so_far": SO_FAR},
    ),
    "quarter": milestone("on-the-way", "percent", "program", 25, facts={}),
    "finished": milestone("on-the-way", "percent", "program", 100, facts={"title": "Strength Foundations"}),
    "thirty-six": milestone(
        "thirty-six",
        "count",
        "major",
        36,
        name="36 sessions",
        moment="graduation",
        facts={"so_far": {**SO_FAR, "sessions": 36}},
    ),
    "thirty-six-bare": milestone("thirty-six", "count", "major", 36, name="36 sessions", facts={}),
    "core-goal": milestone(
        "core-goal", "count", "major", 1, facts={"title": "Run a half marathon", "goal_id": "g-1", "so_far": SO_FAR}
    ),
    "graduation": milestone("graduation", "count", "major", 1, facts={}),
    "fifty": milestone(
        "fifty", "count", "major", 50, facts={"title": "Personal training", "session_number": 50, "so_far": SO_FAR}
    ),
    "five": milestone("five", "count", "micro", 5, facts={"title": "Personal training", "session_number": 5}),
    "twelve": milestone("twelve", "count", "program", 12, facts={"session_number": 12, "so_far": SO_FAR}),
    "program-done": milestone("done", "count", "major", 1, facts={"title": "Back on your feet", "program_id": "p-1"}),
    "loyal-buyer": milestone("loyal-buyer", "sum", "program", 50000, name="Five hundred dollars with us"),
    "anniversary": milestone("anniversary", "date", "streak", None, name="One year at Northstar", occurrence="2026"),
    "streak-broken": milestone(
        "streak-broken",
        "lapse",
        "nudge",
        None,
        value=19,
        occurrence="morning-run/2026-04-12",
        facts={"title": "Morning run"},
    ),
    "renewal": milestone(
        "renewal", "date", "nudge", None, name="your renewal is two weeks away", occurrence="2026-05-19"
    ),
    "settled-in": milestone("settled-in", "date", "micro", None, name="thirty days on board", occurrence="2026-05-05"),
}
