"""Every decision can be told to a coach."""

from typing import get_args

import pytest

from schemas.celebration import WHOLE, DecisionOutcome, Reason
from schemas.policy import ChannelName
from streams.planning import reason_words
from streams.planning.reason_words import because, in_words


def test_every_reason_outcome_and_part_has_words_and_there_are_no_others() -> None:
    assert set(reason_words._REASONS) == set(get_args(Reason))
    assert set(reason_words._OUTCOMES) == set(get_args(DecisionOutcome))
    assert set(reason_words._PARTS) == {*get_args(ChannelName), WHOLE}


def test_no_two_reasons_are_told_alike() -> None:
    assert len(set(reason_words._REASONS.values())) == len(reason_words._REASONS)


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (("email", "send", "planned", None), "The mail goes: nothing stood in its way."),
        (
            ("gift", "hold", "approval", "25 dollars"),
            "The gift waits: it needs a coach's approval first (25 dollars).",
        ),
        (("fax", "shred", "of_a_newer_version", None), "Fax shred: of a newer version."),
    ],
)
def test_a_decision_is_told_in_a_sentence(decision: tuple[str, str, str, str | None], sentence: str) -> None:
    assert in_words(*decision) == sentence


def test_a_reason_stands_alone_too() -> None:
    assert because("paused") == "an operator has paused it"
