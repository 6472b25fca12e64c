import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from rich.console import Console

from demo.agree import differences
from demo.count import Count, Win
from demo.count_given import Given
from demo.found import Found, FoundDelivery, FoundEvent, FoundMilestone, InboxItem
from demo.report import Counts, Play, print_report
from demo.sent import Mail
from tests.demo.deliveries import delivery

HEARD = datetime(2026, 3, 1, tzinfo=UTC)
WIN = Win(client="ann@example.org", rule="iron-streak", threshold=14, on=date(2026, 3, 1))
COUNTED = Count(wins=(WIN,), inputs={"habit checks": 14}, copies=0)
REACHED = FoundMilestone(
    milestone_id="m1",
    revision=1,
    is_reached=True,
    client="c_1",
    rule="iron-streak",
    tier="streak",
    threshold=14,
    caused_by="e1",
    is_timed=False,
    appended_ms=int(HEARD.timestamp() * 1000),
)


def _delivery(channel: str, state: str = "sent") -> FoundDelivery:
    streak = {"rule": "iron-streak", "tier": "streak", "milestone": "14-Day Iron Streak"}
    return delivery(channel, state=state, heard_at=HEARD, finished_at=HEARD + timedelta(seconds=1), **streak)


MAIL = Mail(delivery_id="d-email", to="ann@example.org", sender="m@example.org", subject="s", text="t", html="")
FOUND = Found(
    milestones=(REACHED,),
    events={"e1": FoundEvent(client="c_1", happened_at=HEARD, day=None, appended_ms=REACHED.appended_ms - 20)},
    events_total=14,
    dead_letters=0,
    addresses={"c_1": ("Ann Poe", "Ann@Example.org")},
    deliveries=(_delivery("email"), _delivery("in_app")),
    tasks=(),
    inbox=(InboxItem(item_id="d-in_app", title="s", text="t"),),
    mails=(MAIL,),
)


def test_a_play_that_agrees_has_no_differences() -> None:
    assert differences(COUNTED, FOUND) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            replace(FOUND, milestones=()),
            "milestone iron-streak 14 of ann@example.org: 0 on the topic, 1 counted",
        ),
        (replace(FOUND, milestones=(REACHED, REACHED)), "revision 1: 2 times on the topic"),
        (replace(FOUND, mails=(MAIL, MAIL)), "email about iron-streak to ann@example.org: 2 left, 1 counted"),
        (replace(FOUND, inbox=()), "in_app about iron-streak to ann@example.org: 0 left, 1 counted"),
        (replace(FOUND, deliveries=()), "no answer in the ledger"),
        (replace(FOUND, dead_letters=2), "2 dead letters"),
        (replace(FOUND, parked={"milestones: failed": 3}), "3 records parked by delivery: milestones: failed"),
        (
            replace(FOUND, deliveries=(_delivery("email", "unknown"), _delivery("in_app"))),
            "email about iron-streak to ann@example.org: still unknown",
        ),
    ],
)
def test_each_difference_is_named_by_client_and_rule(found: Found, words: str) -> None:
    assert any(words in line for line in differences(COUNTED, found))


def test_a_milestone_that_was_withdrawn_does_not_stand() -> None:
    withdrawn = replace(REACHED, is_reached=False)
    assert replace(FOUND, milestones=(REACHED, withdrawn)).standing() == ()
    again = replace(REACHED, revision=2)
    assert replace(FOUND, milestones=(REACHED, withdrawn, again)).standing() == (again,)


def test_a_mail_of_which_the_ledger_knows_nothing_is_a_difference() -> None:
    stray = replace(MAIL, delivery_id="d-9")
    assert any("unknown to the ledger" in line for line in differences(COUNTED, replace(FOUND, mails=(MAIL, stray))))


def _merged(channel: str, into: str | None = "k2") -> FoundDelivery:
    return replace(_delivery(channel, "skipped"), reason="merged", merged_into=into)


LEAD = replace(_delivery("email"), delivery_id="d-lead", celebration_id="k2", milestone_id="m2", rule="halfway")
ALONG = replace(
    FOUND,
    deliveries=(_merged("email"), _merged("in_app"), LEAD),
    inbox=(),
    mails=(replace(MAIL, delivery_id="d-lead"),),
)


def _of_streak(found: Found) -> list[str]:
    return [line for line in differences(COUNTED, found) if "iron-streak" in line]


def test_what_another_message_tells_along_counts_as_told() -> None:
    assert _of_streak(ALONG) == []


def test_what_was_merged_into_a_message_that_did_not_leave_is_not_told() -> None:
    assert _of_streak(replace(ALONG, mails=())) == [
        "email about iron-streak to ann@example.org: 0 left, 1 counted",
        "in_app about iron-streak to ann@example.org: 0 left, 1 counted",
    ]


def test_a_lead_that_was_merged_itself_hands_on_what_it_told() -> None:
    middle = replace(LEAD, state="skipped", reason="merged", merged_into="k3")
    last = replace(LEAD, delivery_id="d-last", celebration_id="k3", milestone_id="m3")
    chained = replace(ALONG, deliveries=(_merged("email"), _merged("in_app"), middle, last))
    assert _of_streak(replace(chained, mails=(replace(MAIL, delivery_id="d-last"),))) == []
    assert len(_of_streak(replace(chained, mails=()))) == 2


def test_a_win_that_is_told_along_and_by_itself_is_told_too_often() -> None:
    both = replace(ALONG, deliveries=(_delivery("email"), *ALONG.deliveries), mails=(MAIL, *ALONG.mails))
    assert "email about iron-streak to ann@example.org: 1 left and 1 told along, 1 counted" in _of_streak(both)


def _printed(found: Found) -> str:
    play = Play(
        practice="Northridge Strength",
        clients=1,
        days=14,
        real_seconds=12.0,
        hooks_sent=14,
        hooks_retried=0,
        overtaken=Counter(),
        page_url="http://127.0.0.1:1/",
        metrics_urls=("http://127.0.0.1:2/metrics",),
        topic_command="read",
    )
    console = Console(width=100, record=True, file=io.StringIO())
    counts = Counts(wins=COUNTED, given=Given())
    print_report(console, play, counts, found, differences(COUNTED, found))
    return console.export_text()


def test_the_report_says_that_all_agrees() -> None:
    text = _printed(FOUND)
    assert "All numbers agree" in text
    assert "1.02 s" not in text  # one value has no spread
    assert "minutes a week" in text


def test_the_report_shows_session_36_client_by_client() -> None:
    major = {"tier": "major", "rule": "thirty-six", "celebration_id": "k9", "milestone_id": "m9"}
    gift = replace(delivery("gift", state="skipped", **major), reason="no_consent")
    text = _printed(replace(FOUND, deliveries=(*FOUND.deliveries, delivery("certificate", **major), gift)))
    assert re.search(r"Ann Poe +in the mail, as a PDF +no consent +- +nothing", text), text


def test_the_report_prints_the_differences() -> None:
    text = _printed(replace(FOUND, milestones=()))
    assert "-1" in text
    assert "milestone iron-streak 14 of ann@example.org: 0 on the topic, 1 counted" in text
