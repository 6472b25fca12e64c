"""When a coach is asked again, when the wait is over, and what an answer means for each part."""

from datetime import timedelta

import pytest

from streams.planning.approvals import Ruling, Situation, deadlines, ending, settle
from tests.streams.planning.planning_cases import NOON, won

ALL = ("email", "certificate", "gift")


def situation(**changes: object) -> Situation:
    fields = {
        "erased": False,
        "retracted": False,
        "asked_revision": 1,
        "heard_revision": 1,
        "planned_revision": 1,
        "waiting": ("gift",),
    }
    return Situation(**{**fields, **changes})  # type: ignore[arg-type]


def decided(ruling: Ruling, *waiting: str) -> list[tuple[str, str, str, str | None]]:
    settled = settle(ruling, won("major"), waiting, cents=2500, author="jo")  # type: ignore[arg-type]
    return [(one.part, one.outcome, one.reason, one.detail) for one in settled.decisions]


def test_a_coach_is_asked_again_after_four_hours_and_the_wait_is_over_after_twenty() -> None:
    found = deadlines(NOON, NOON + timedelta(hours=48))
    assert found.escalate_at == NOON + timedelta(hours=4)
    assert found.close_at == NOON + timedelta(hours=20)


def test_what_expires_earlier_closes_an_hour_before_and_escalates_in_proportion() -> None:
    found = deadlines(NOON, NOON + timedelta(hours=11))
    assert found.close_at == NOON + timedelta(hours=10)
    assert found.escalate_at == NOON + timedelta(hours=2)


def test_what_expires_at_once_is_closed_at_once_and_not_in_the_past() -> None:
    found = deadlines(NOON, NOON + timedelta(minutes=5))
    assert (found.escalate_at, found.close_at) == (NOON, NOON)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"erased": True, "retracted": True, "waiting": ()}, "erased"),
        ({"retracted": True, "heard_revision": 2}, "retracted"),
        ({"heard_revision": 2}, "revised"),
        ({"heard_revision": 2, "planned_revision": 2}, "replanned"),
        ({"waiting": ()}, "nothing_waits"),
    ],
)
def test_a_question_that_nobody_needs_to_answer_ends_for_what_has_become_of_it(
    changes: dict[str, object], reason: str | None
) -> None:
    assert ending(situation(**changes)) == reason


def test_an_approval_releases_every_part_and_names_who_gave_it() -> None:
    settled = settle("approve", won("major"), ALL, cents=2500, author="jo")
    assert (settled.state, settled.released, settled.closed, settled.task) == ("approved", ALL, (), None)
    assert settled.outcome is None
    assert decided("approve", *ALL)[2] == ("gift", "send", "approved", "by jo")


def test_what_is_declined_does_not_go_and_says_by_whom() -> None:
    settled = settle("decline", won("major"), ALL, cents=2500, author="jo")
    assert (settled.state, settled.closed, settled.closed_because) == ("declined", ALL, "declined")
    assert (settled.released, settled.task, settled.outcome) == ((), None, "skip")
    assert decided("decline", "gift") == [("gift", "skip", "declined", "by jo")]


def test_what_is_taken_over_becomes_one_task_that_says_what_to_do() -> None:
    settled = settle("take_over", won("major"), ALL, cents=2500, author="jo")
    assert (settled.state, settled.closed, settled.outcome) == ("taken_over", ALL, "task")
    assert settled.task is not None
    assert settled.task.kind == "approval"
    assert settled.task.reason == "taken_over"
    assert settled.task.summary == ("36 sessions: congratulate in person, send the certificate, send the $25 gift card")
    assert decided("take_over", "gift") == [("gift", "task", "taken_over", "by jo")]


def test_a_gift_that_is_taken_over_asks_for_the_gift_alone() -> None:
    settled = settle("take_over", won("major"), ("gift",), cents=1250, author="jo")
    assert settled.task is not None
    assert settled.task.summary == "36 sessions: send the $12.50 gift card"


def test_when_the_wait_is_over_all_goes_but_the_money_which_becomes_a_task() -> None:
    settled = settle("approval_over", won("major"), ALL, cents=2500)
    assert (settled.state, settled.reason) == ("closed", "approval_over")
    assert (settled.released, settled.released_because) == (("email", "certificate"), "approval_over")
    assert (settled.closed, settled.closed_because) == (("gift",), "approval_over")
    assert settled.task is not None
    assert "$25 gift card; nobody approved it in time" in settled.task.summary
    assert decided("approval_over", "email", "gift") == [
        ("email", "send", "approval_over", None),
        ("gift", "task", "approval_over", None),
    ]


def test_when_the_wait_is_over_and_no_money_waited_nobody_gets_a_task() -> None:
    settled = settle("approval_over", won("streak"), ("email",), cents=0)
    assert (settled.released, settled.closed, settled.task, settled.outcome) == (("email",), (), None, None)


def test_what_was_corrected_while_it_waited_is_left_to_a_person() -> None:
    settled = settle("revised", won("major"), ("gift",), cents=2500)
    assert (settled.state, settled.reason, settled.closed, settled.closed_because) == (
        "closed", "revised", ("gift",), "revised",
    )  # fmt: skip
    assert settled.task is not None
    assert "the record was corrected" in settled.task.summary


def test_a_correction_of_which_nothing_waits_asks_nobody() -> None:
    assert settle("revised", won("major"), (), cents=0).task is None


@pytest.mark.parametrize("ruling", ["erased", "retracted", "replanned", "nothing_waits"])
def test_what_somebody_else_has_settled_is_closed_and_left_as_it_is(ruling: Ruling) -> None:
    settled = settle(ruling, won("major"), ("gift",), cents=2500)
    assert (settled.state, settled.reason) == ("closed", ruling)
    assert (settled.released, settled.closed, settled.decisions, settled.task) == ((), (), (), None)
