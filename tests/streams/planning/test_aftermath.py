"""What a provider's word changes, by the state that it meets."""

from typing import Any

import pytest

from schemas.celebration import DeliveryState
from schemas.provider_event import EventKind, ProviderEvent
from streams.planning.aftermath import Aftermath, Told, aftermath
from tests.streams.planning.planning_cases import won

ARRIVES: dict[DeliveryState, DeliveryState] = {
    "sending": "delivered", "unknown": "delivered", "pending": "delivered", "held": "delivered",
    "deferred": "delivered", "failed": "delivered", "sent": "delivered",
}  # fmt: skip
# What an event makes of a delivery that has been with its provider; a state that is not named stays.
NEXT: dict[EventKind, dict[DeliveryState, DeliveryState]] = {
    "accepted": {
        "sending": "sent", "unknown": "sent", "pending": "sent", "held": "sent", "deferred": "sent", "failed": "sent",
    },
    "bounced": {
        "sending": "bounced", "unknown": "bounced", "pending": "bounced", "held": "bounced", "deferred": "bounced",
        "failed": "bounced", "sent": "bounced", "delivered": "bounced",
    },
    "failed": {"sending": "failed", "unknown": "failed", "sent": "bounced", "delivered": "bounced"},
    "delivered": ARRIVES,
    "opened": ARRIVES,
    "clicked": ARRIVES,
    "complained": ARRIVES,
    "unsubscribed": ARRIVES,
}  # fmt: skip
STATES: tuple[DeliveryState, ...] = (
    "pending", "held", "deferred", "sending", "sent", "delivered", "bounced", "failed", "skipped", "unknown",
)  # fmt: skip


def means(kind: EventKind, state: DeliveryState = "sent", *, tier: str = "streak", **changes: Any) -> Aftermath:
    of = {"channel": "email", "attempted": True} | {n: changes.pop(n) for n in ("channel", "attempted") if n in changes}
    return aftermath(ProviderEvent(kind=kind, key="k", **changes), Told(state=state, milestone=won(tier), **of))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", NEXT)
def test_a_state_moves_as_the_table_says(kind: EventKind, state: DeliveryState) -> None:
    assert means(kind, state).state == NEXT[kind].get(state)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", NEXT)
def test_what_never_was_with_a_provider_cannot_have_arrived(kind: EventKind, state: DeliveryState) -> None:
    assert means(kind, state, attempted=False).state is None


@pytest.mark.parametrize("kind", NEXT)
def test_what_came_back_stays_so_whatever_is_told_late(kind: EventKind) -> None:
    assert means(kind, "bounced").state is None


def test_a_click_is_an_opening_too() -> None:
    assert [(m.opened, m.clicked) for m in (means("delivered"), means("opened"), means("clicked"))] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "leaves"),
    [
        ({"kind": "bounced", "permanent": True}, "bounce"),
        ({"kind": "bounced"}, None),
        ({"kind": "failed", "permanent": True, "channel": "sms"}, "bounce"),
        ({"kind": "bounced", "permanent": True, "channel": "gift"}, None),
        ({"kind": "complained"}, "complaint"),
        ({"kind": "unsubscribed"}, "unsubscribe"),
        ({"kind": "delivered", "permanent": True}, None),
    ],
)
def test_a_channel_is_left_for_good_reasons_only(event: dict[str, Any], leaves: str | None) -> None:
    assert means(**event).leaves == leaves


def test_a_major_that_came_back_is_told_to_the_coach_with_the_code() -> None:
    task = means("bounced", tier="major", detail="status 550").task
    assert task is not None
    assert (task.kind, task.reason) == ("returned", "bounced")
    assert task.summary == (
        "36 sessions: the email message came back (status 550): correct the address, and tell them yourself"
    )


def test_a_lighter_one_that_came_back_is_written_down_alone() -> None:
    found = means("bounced")
    assert found.task is None
    assert found.decision is not None
    assert (found.decision.outcome, found.decision.reason) == ("task", "bounced")


def test_money_that_came_back_is_always_told() -> None:
    task = means("failed", "unknown", channel="gift").task
    assert task is not None
    assert task.summary.startswith("36 sessions: the gift card was not sent: ")


def test_what_the_coach_was_asked_about_is_answered_and_what_is_left_is_asked_anew() -> None:
    arrived, returned = means("delivered", "unknown"), means("bounced", "unknown")
    assert (arrived.is_settled, arrived.task) == (True, None)
    assert returned.is_settled
    assert returned.task is not None
    assert not means("delivered", "sent").is_settled


def test_what_we_did_not_know_is_written_down_and_the_usual_course_is_not() -> None:
    found = means("delivered", "unknown").decision
    assert found is not None
    assert (found.outcome, found.reason, found.detail) == ("send", "provider_told", "delivered")
    assert means("delivered", "sent").decision is None
    assert means("delivered", "sending").decision is None
    assert means("opened", "delivered").decision is None


def test_a_complaint_is_told_to_the_coach_whatever_the_tier() -> None:
    found = means("complained", tier="micro")
    assert found.is_complaint
    assert found.task is not None
    assert (found.task.kind, found.task.reason) == ("complaint", "complained")
