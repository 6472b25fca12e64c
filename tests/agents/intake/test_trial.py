"""A trial is known by its whole body, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.trial import read_trial, trial_body

ID = "0123456789abcdef0123456789abcdef"


def test_a_trial_is_recognised() -> None:
    assert read_trial(trial_body(ID)) == ID


@pytest.mark.parametrize(
    "body",
    [
        trial_body(ID) + b"\n",
        b" " + trial_body(ID),
        trial_body(ID.upper()),
        trial_body(ID[:-1]),
        trial_body(ID).replace(b"trial", b"event"),
        b'{"type":"habit.checked","data":{}}',
        b"action=scheduled&id=1",
        b"",
    ],
)
def test_anything_more_or_less_is_a_word_of_the_tools(body: bytes) -> None:
    assert read_trial(body) is None


@given(st.binary(max_size=120))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    found = read_trial(body)
    assert found is None or trial_body(found) == body
