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
