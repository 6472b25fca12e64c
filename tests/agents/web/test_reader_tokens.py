import time
from typing import Any

import jwt
import pytest

from agents.web.reader_tokens import ReaderTokens

KEYS = {"northstar": ("k" * 32, "o" * 32), "other": ("x" * 32,), "weak": ("short",)}


def token(key: str = "k" * 32, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {"tenant": "northstar", "sub": "c-17", "aud": "cairn-inbox", "exp": int(time.time()) + 600, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


@pytest.fixture
def tokens() -> ReaderTokens:
    return ReaderTokens(lambda tenant: KEYS.get(tenant, ()))


@pytest.mark.parametrize("key", KEYS["northstar"])
def test_every_valid_key_signs_while_keys_rotate(tokens: ReaderTokens, key: str) -> None:
    reader = tokens.read(token(key))
    assert reader is not None
    assert (reader.tenant, reader.client) == ("northstar", "c-17")


def test_the_issuer_may_name_the_tenant(tokens: ReaderTokens) -> None:
    reader = tokens.read(token(tenant=None, iss="northstar"))
    assert reader is not None
    assert reader.tenant == "northstar"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "z" * 32},
        {"tenant": "other"},
        {"tenant": "nobody"},
        {"tenant": "../northstar"},
        {"tenant": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "a/b"},
        {"sub": "a b"},
        {"aud": "something-else"},
        {"aud": None},
        {"exp": None},
        {"exp": int(time.time()) - 3600},
        {"exp": int(time.time()) + 25 * 3600},
        {"tenant": "weak", "key": "short"},
        {"algorithm": "HS384"},
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_a_token_that_is_wrong_in_any_way_opens_nothing(tokens: ReaderTokens, changes: dict[str, Any]) -> None:
    assert tokens.read(token(**changes)) is None


def test_an_unsigned_token_opens_nothing(tokens: ReaderTokens) -> None:
    unsigned = jwt.encode({"tenant": "northstar", "sub": "c-17", "aud": "cairn-inbox", "exp": 2**31}, "", "none")
    assert tokens.read(unsigned) is None


@pytest.mark.parametrize("nonsense", [None, "", "a", "a.b.c", "x" * 10_000, "é.è.ü"])
def test_nonsense_opens_nothing(tokens: ReaderTokens, nonsense: str | None) -> None:
    assert tokens.read(nonsense) is None
