from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from demo.found import Found, FoundEvent, FoundMilestone
from demo.overtaken import overtaken
from demo.sent import Mail
from tests.demo.deliveries import delivery

DAY_IS_OVER = datetime(2026, 4, 22, 4, tzinfo=UTC)  # midnight in New York
TOO_LATE = DAY_IS_OVER + timedelta(hours=121)
TOLD_MS = int(TOO_LATE.timestamp() * 1000) - 500
TOLD = FoundMilestone(
    milestone_id="m1",
    revision=1,
    is_reached=True,
    client="c_1",
    rule="streak-broken",
    tier="nudge",
    threshold=None,
    caused_by=None,
    is_timed=True,
    appended_ms=TOLD_MS,
)
TAKEN_BACK = replace(TOLD, is_reached=False, caused_by="e1", appended_ms=TOLD_MS + 900)
CHECK = FoundEvent(
    client="c_1",
    happened_at=datetime(2026, 4, 21, 18, tzinfo=UTC),
    day="2026-04-21",
    appended_ms=int(TOO_LATE.timestamp() * 1000),
)
NUDGE = delivery("email", rule="streak-broken", tier="nudge", milestone="Streak broken")
MAIL = Mail(delivery_id=NUDGE.delivery_id, to="ann@example.org", sender="m", subject="s", text="t", html="")
FOUND = Found(
    milestones=(TOLD, TAKEN_BACK),
    events={"e1": CHECK},
    events_total=1,
    dead_letters=0,
    addresses={"c_1": ("Ann Poe", "ann@example.org")},
    deliveries=(NUDGE,),
    tasks=(),
    inbox=(),
    mails=(MAIL,),
    zones={"c_1": "America/New_York"},
)
KEY = ("ann@example.org", "streak-broken", "email")


def _of(found: Found) -> Counter[tuple[str, str, str]]:
    return overtaken(found, lambda real_at: real_at)


@pytest.mark.parametrize("day", ["2026-04-21", None])
def test_a_nudge_that_the_machine_let_overtake_its_check_is_none_of_the_services(day: str | None) -> None:
    assert _of(replace(FOUND, events={"e1": replace(CHECK, day=day)})) == {KEY: 1}


@pytest.mark.parametrize(
    "found",
    [
        replace(FOUND, events={"e1": replace(CHECK, appended_ms=CHECK.appended_ms - 2 * 3_600_000)}),
        replace(FOUND, events={"e1": replace(CHECK, appended_ms=TOLD_MS - 1)}),
        replace(FOUND, events={}),
        replace(FOUND, milestones=(TOLD,)),
        replace(FOUND, milestones=(TOLD, replace(TAKEN_BACK, caused_by=None))),
        replace(FOUND, milestones=(TOLD, TAKEN_BACK, replace(TOLD, revision=2))),
        replace(FOUND, milestones=(TAKEN_BACK,)),
        replace(FOUND, milestones=tuple(replace(one, rule="iron-streak") for one in FOUND.milestones)),
        replace(FOUND, mails=()),
    ],
    ids=[
        "the check was in time",
        "the check was there before the nudge was told",
        "no check is on the topic",
        "it was not taken back",
        "it was not taken back because of a check",
        "it stands again",
        "it was never told",
        "it is no nudge",
        "nothing left",
    ],
)
def test_without_the_whole_proof_a_nudge_too_many_stays_a_difference(found: Found) -> None:
    assert _of(found) == {}
