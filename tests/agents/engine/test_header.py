import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.engine.header import NEVER, Header

_OFFSETS = st.tuples(*[st.integers(-1, 2**62)] * 2)


@given(st.just(NEVER) | st.integers(0, 2**62), _OFFSETS, st.binary())
def test_a_state_survives_its_header(deadline: int, applied: tuple[int, int], body: bytes) -> None:
    value = Header(2).pack(deadline, applied, body)
    assert Header(2).unpack(value) == (deadline, applied, body)
    assert Header(2).deadline(value) == deadline


def test_a_state_of_another_number_of_topics_is_refused() -> None:
    value = Header(1).pack(NEVER, (3,), b"0123456789")
    with pytest.raises(ValueError, match="another version"):
        Header(2).unpack(value)


def test_the_deadlines_of_many_values_are_those_that_each_of_them_has() -> None:
    header = Header(2)
    deadlines = {b"none": NEVER, b"first": 0, b"later": 1_780_000_000_000}
    values = {key: header.pack(deadline, (1, 2), b"body") for key, deadline in deadlines.items()}
    assert header.deadlines(values) == [(0, b"first"), (1_780_000_000_000, b"later")]
    assert all(header.deadline(value) == deadlines[key] for key, value in values.items())
