import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.secrecy import Secrecy

SECRECY = Secrecy(b"k" * 32)


@given(st.binary(max_size=2_000))
def test_what_was_sealed_comes_back_with_the_key_alone(body: bytes) -> None:
    sealed = SECRECY.sealed(body)
    assert SECRECY.opened(sealed) == body
    with pytest.raises(InvalidTag):
        Secrecy(b"l" * 32).opened(sealed)


def test_a_body_sealed_twice_looks_different() -> None:
    assert SECRECY.sealed(b"Ana") != SECRECY.sealed(b"Ana")


def test_a_hash_depends_on_the_key_and_on_where_the_parts_are_cut() -> None:
    assert SECRECY.hashed("ab", "c") != SECRECY.hashed("a", "bc")
    assert SECRECY.hashed("a") != Secrecy(b"l" * 32).hashed("a")
    assert SECRECY.hashed("a") == Secrecy(b"k" * 32).hashed("a")
