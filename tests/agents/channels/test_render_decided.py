"""What the core decides can be put into words: no fact that a template needs is called otherwise there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.channels.render import Links, Rendered, Renderer
from schemas.client import Profile
from schemas.event import EVENT_DATA, Event
from schemas.milestone import Milestone
from streams.tracking.compiling import compile_rulebook
from streams.tracking.replay import replay
from tests.sample_milestones import ANA, COACH, occasion, tenant

STARTS = datetime(2026, 1, 5, 17, tzinfo=UTC)


def happens(kind: str, day: int, **data: Any) -> Event:
    return Event(
        id=f"{kind}-{day}",
        source="test",
        type=kind,
        tenant="northstar",
        client="ana",
        occurred_at=STARTS + timedelta(days=day),
        data=msgspec.convert(data, EVENT_DATA[kind]),
    )


def a_practice_of_ninety_days() -> Iterator[Event]:
    for day in range(90):
        yield happens("habit.checked", day, habit_id="run", title="Morning run")
        if day % 2 == 0:
            yield happens("session.completed", day, session_id=f"s{day}", title="Personal training")
        if day == 40:
            yield happens("course.progressed", day, course_id="c", percent=55, title="Strength Foundations")
            yield happens("goal.completed", day, goal_id="g", title="Run 5 km")


@pytest.fixture(scope="module")
def decided() -> dict[str, Milestone]:
    plan = compile_rulebook(tenant(Path()).rulebook)
    profile = Profile(timezone="Europe/Vienna", joined_on=date(2026, 1, 1))
    found = replay(enumerate(a_practice_of_ninety_days()), plan, profiles={"northstar/ana": profile})
    return {f"{each.rule} {each.threshold}": each for each in found if isinstance(each, Milestone)}


def rendered(reached: Milestone, channel: Any) -> Rendered:
    return Renderer().render(
        occasion(reached),
        channel=channel,
        profile=ANA,
        coach=COACH,
        tenant=tenant(Path()),
        links=Links(),
    )


def test_every_milestone_of_the_starter_has_words_on_both_channels(decided: dict[str, Milestone]) -> None:
    assert set(decided) == {
        "first-session 1", "iron-streak 14", "iron-streak 30", "halfway 50", "first-goal 1", "thirty-six 36",
    }  # fmt: skip
    for reached in decided.values():
        for channel in ("in_app", "email"):
            assert rendered(reached, channel).text


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("first-session 1", "The session on Monday was your first"),
        ("iron-streak 14", "“Morning run” becomes something you simply do"),
        ("iron-streak 30", "“Morning run”, thirty days in a row now, since Monday, 5 January"),
        ("iron-streak 30", "on top of fifteen sessions"),
        ("halfway 50", "Half of “Strength Foundations” is behind you now"),
        (
            "halfway 50",
            "- twenty-one sessions - six weeks since you began - a habit kept up for forty-one days at a stretch",
        ),
        ("first-goal 1", "“Run 5 km” is done"),
        ("thirty-six 36", "was your thirty-sixth. It took ten weeks"),
        ("thirty-six 36", "seventy-one days in a row"),
    ],
)
def test_a_message_says_what_only_the_system_knows(decided: dict[str, Milestone], rule: str, says: str) -> None:
    assert says in " ".join(rendered(decided[rule], "email").text.split())
