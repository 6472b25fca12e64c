"""Samples: milestones, people and occasions that show what word files do with good facts and bad.

They must never come from a real client.

Theory of operation: a milestone for each word file that ships, some with every fact and some bare;
people with a plain name, a long one, one that runs from right to left, and none; and the things
that may come with an occasion.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.celebration import Occasion
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName, Policy

SO_FAR = {
    "sessions": 21,
    "current_streak": 30,
    "longest_streak": 30,
    "weeks_since_joining": 13,
    "goals": 1,
    "percents": {"course-9": 50},
}
KEEPSAKES: frozenset[ChannelName] = frozenset({"certificate", "badge", "referral", "video"})
REACHED_ON = date(2026, 5, 5)
_POLICY = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is written to.

    Attributes:
        profile: None when none has arrived.
    """

    label: str
    profile: Profile | None


PEOPLE: tuple[Person, ...] = (
    Person(label="Ana Silva", profile=Profile(name="Ana Silva", timezone="Europe/Vienna")),
    Person(label="a long name", profile=Profile(name="Maximiliane-Friederike von Hohenlohe-Waldenburg")),
    Person(
        label="a name from right to left", profile=Profile(name="\u0645\u0631\u064a\u0645 \u062d\u062f\u0627\u062f")
    ),
    Person(label="nobody we know by name", profile=None),
)


def occasion(reached: Milestone, **changes: Any) -> Occasion:
    """The milestone as it is told an hour later."""
    fields: dict[str, Any] = {
        "milestone": reached,
        "tier_policy": _POLICY.tiers[reached.tier],
        "told_at": reached.reached_at + timedelta(hours=1),
    }
    return Occasion(**{**fields, **changes})


def milestone(rule: str, kind: str, tier: str, threshold: float | None, **changes: Any) -> Milestone:
    """A milestone of one client, reached on a Tuesday evening."""
    fields: dict[str, Any] = {
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


def streak(days: int, **changes: Any) -> Milestone:
    """A run of thirty or fourteen days that reached its mark on 5 May."""
    began_on = REACHED_ON - timedelta(days=days - 1)
    return milestone(
        "iron-streak",
        "streak",
        "streak",
        days,
        **{
            "name": f"{days}-Day Iron Streak",
            "occurrence": f"morning-run/{began_on}",
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
    "a-year": milestone("loyal-year", "date", "streak", None, name="One year at Northstar", occurrence="2026"),
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
    "birthday": milestone("birthday", "date", "micro", None, occurrence="2026", facts={}),
    "anniversary": milestone(
        "anniversary",
        "date",
        "streak",
        None,
        name="anniversary",
        occurrence="2026",
        facts={"years": 2, "so_far": SO_FAR},
    ),
    "settled-in": milestone("settled-in", "date", "micro", None, name="thirty days on board", occurrence="2026-05-05"),
}


def _with_all() -> dict[str, Occasion]:
    thirty, half, thirty_six, goal = (SAMPLES[name] for name in ("streak-30", "halfway", "thirty-six", "first-goal"))
    others = (goal, SAMPLES["five"])
    return {
        "the first message": occasion(SAMPLES["first-session"], is_first=True),
        "four days late": occasion(thirty, told_at=thirty.reached_at + timedelta(days=4)),
        "three weeks late": occasion(thirty_six, told_at=thirty_six.reached_at + timedelta(days=21)),
        "two others with it": occasion(thirty, also=others),
        "a look back, and two others": occasion(half, also=others, next_step="check_in"),
        "a video and an offer": occasion(half, keepsakes=frozenset({"video"}), next_step="offer"),
        "a badge with a page": occasion(thirty, keepsakes=frozenset({"badge"}), next_step="resource"),
        "everything at once": occasion(thirty_six, also=others, keepsakes=KEEPSAKES, is_first=True),
    }


OCCASIONS: dict[str, Occasion] = _with_all()
"""What may come with a milestone."""
