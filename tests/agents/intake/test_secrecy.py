import asyncio

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


@given(st.binary(max_size=2_000))
def test_a_hooks_digest_is_the_hash_of_its_body_in_hexadecimal(body: bytes) -> None:
    assert SECRECY.hook_digest("t", "s", body) == SECRECY.hashed("kept hook", "t", "s", body.hex())


def test_the_digest_of_a_large_body_is_what_earlier_versions_kept() -> None:
    digest = SECRECY.hook_digest("t", "s", bytes(range(256)) * 600)
    assert digest.hex() == "1cad55800479d865db3f8398bb23be18365f985139c3e3ea5fb01db816d09d00"


@pytest.mark.parametrize(("size_bytes", "goes_on"), [(64 * 1024, False), (64 * 1024 + 1, True)])
async def test_while_a_large_body_is_put_away_the_others_go_on(size_bytes: int, goes_on: bool) -> None:
    body = bytes(size_bytes)
    turned = False

    async def turn() -> None:
        nonlocal turned
        turned = True

    other = asyncio.create_task(turn())
    hook = await SECRECY.put_away("t", "s", body, most_bytes=1_000)
    assert turned == goes_on
    assert hook.digest == SECRECY.hook_digest("t", "s", body)
    assert SECRECY.opened(hook.sealed) == body[:1_000]
    await other
