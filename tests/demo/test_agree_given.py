from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from demo.agree_given import differences_given
from demo.count_given import Given
from demo.found import Found, FoundTask
from demo.given import Asked, Order, Visit, order_of
from demo.report_given import left_to_coach
from demo.sent import Mail
from tests.demo.deliveries import delivery

ANN = "ann@example.org"
PARTS = ("certificate", "gift", "referral")
GIVEN = Given(
    parts=Counter({(ANN, "thirty-six", part): 1 for part in PARTS}),
    gifts=Counter({(ANN, 2_500): 1}),
)


ORDER = Order(external_id="k1", email=ANN, cents=2_500, status="EXECUTED")
LINKS = ("https://a.example/c/t", "https://a.example/r/t", "https://a.example/u/t")
PDF = {"certificate.pdf": b"%PDF-1.7"}
MAIL = Mail(delivery_id="d-email", to=ANN, sender="m", subject="s", text="t", html="", files=PDF, links=LINKS)
VISIT = Visit(what="a referral link", expected="302 to a.example", found="302 to a.example")
FOUND = Found(
    milestones=(),
    events={},
    events_total=0,
    dead_letters=0,
    addresses={"c_1": ("Ann Poe", "Ann@Example.org")},
    deliveries=(delivery("email"), *(delivery(part) for part in PARTS)),
    tasks=(),
    inbox=(),
    mails=(MAIL,),
    orders=(ORDER,),
    asked=(Asked(celebration_id="k1", client="c_1"),),
    spent_cents=2_500,
    visits=(VISIT,),
)


def _but(channel: str, **changed: Any) -> Found:
    """The ledger with one part as it should not be."""
    parts = [one for one in FOUND.deliveries if one.channel != channel]
    return replace(FOUND, deliveries=(*parts, delivery(channel, **changed)))


def test_a_graduation_that_agrees_has_no_differences() -> None:
    assert differences_given(GIVEN, FOUND) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (_but("certificate", state="skipped"), "certificate for thirty-six of ann@example.org: 0 given, 1 counted"),
        (_but("referral", state="failed"), "referral for thirty-six of ann@example.org: 0 given, 1 counted"),
        (_but("gift", state="held", reason="approval"), "waits for a coach: 1 in the ledger, 0 counted"),
        (replace(FOUND, mails=()), "certificates in mails to ann@example.org: 0 attached, 1 counted"),
        (
            replace(FOUND, mails=(replace(MAIL, files={"certificate.pdf": b"empty"}),)),
            "certificates in mails to ann@example.org: 0 attached, 1 counted",
        ),
        (replace(FOUND, orders=()), "gifts of 2500 cents to ann@example.org: 0 ordered at Tremendous, 1 counted"),
        (replace(FOUND, orders=(ORDER, ORDER)), "2 ordered at Tremendous, 1 counted"),
        (
            replace(FOUND, orders=(replace(ORDER, cents=2_600),)),
            "gifts of 2600 cents to ann@example.org: 1 ordered at Tremendous, 0 counted",
        ),
        (replace(FOUND, orders=(replace(ORDER, status="FAILED"),)), "is FAILED at Tremendous"),
        (replace(FOUND, spent_cents=0), "cents spent: 0 in the ledger, 2500 counted"),
        (
            replace(FOUND, mails=(replace(MAIL, links=LINKS[:1]),)),
            "referral links in mails to ann@example.org: 0 found, 1 counted",
        ),
        (
            replace(FOUND, mails=(replace(MAIL, links=LINKS[1:]),)),
            "the certificate in a mail to ann@example.org: 0 addresses, 1 in the ledger",
        ),
        (
            replace(FOUND, mails=(replace(MAIL, links=(*LINKS, "https://a.example/b/t")),)),
            "the badge in a mail to ann@example.org: 1 addresses, 0 in the ledger",
        ),
        (replace(FOUND, asked=()), "referral asks of ann@example.org: 0 in the ledger, 1 counted"),
        (_but("email", state="skipped", reason="merged", merged_into="k2"), "merged away, which no major may be"),
        (
            replace(FOUND, visits=(replace(VISIT, found="404 text/html"),)),
            "a referral link: 404 text/html, expected 302 to a.example",
        ),
    ],
)
def test_each_number_can_disagree(found: Found, words: str) -> None:
    assert any(words in line for line in differences_given(GIVEN, found))


def test_a_keepsake_that_was_told_along_counts_if_its_lead_left() -> None:
    given = Given(parts=Counter({(ANN, "iron-streak", "badge"): 1}))
    badge = delivery(
        "badge",
        celebration_id="k2",
        rule="iron-streak",
        tier="streak",
        state="skipped",
        reason="merged",
        merged_into="k1",
    )
    found = replace(FOUND, deliveries=(delivery("email"), badge), orders=(), asked=(), spent_cents=0)
    found = replace(found, mails=(replace(MAIL, files={}, links=()),))
    assert differences_given(given, found) == []
    lost = replace(found, mails=())
    assert "badge for iron-streak of ann@example.org: 0 given, 1 counted" in differences_given(given, lost)


def test_what_is_left_to_the_coach_is_said_for_each_graduate() -> None:
    assert left_to_coach(FOUND, "c_1") == "nothing"
    task = FoundTask(celebration_id="k1", client="c_1", kind="celebrate", reason="by_hand", minutes=3)
    assert left_to_coach(replace(FOUND, tasks=(task,)), "c_1") == "3 minutes"
    assert left_to_coach(replace(FOUND, tasks=(replace(task, celebration_id="k9"),)), "c_1") == "nothing"
    assert left_to_coach(_but("gift", state="held", reason="approval"), "c_1") == "a word on the gift"


def test_an_order_is_read_as_the_api_shows_it() -> None:
    reward = {"value": {"denomination": 25.1}, "recipient": {"email": "Ann@Example.org"}}
    assert order_of("k1", {"status": "EXECUTED", "rewards": [reward]}) == replace(ORDER, cents=2_510)
