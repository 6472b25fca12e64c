"""Reader tokens: a platform says which of its clients is reading, in a signed token.

The platform signs a JWT (RFC 7519, HS256) with a key that it shares with us for one tenant:
`tenant` (or `iss`), `sub` the client's id, `aud` `cairn-inbox`, `exp` at most 24 hours ahead.
It must never trust a claim before a signature holds, accept another algorithm, or say which
of the checks failed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
import msgspec

from schemas.text import Identifier

AUDIENCE = "cairn-inbox"
_ALGORITHM = "HS256"
_MAX_AHEAD_SECONDS = 86_400
_LEEWAY_SECONDS = 30
_MIN_KEY_CHARS = 32
_MAX_TOKEN_CHARS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A client who reads their own inbox.

    Attributes:
        valid_until: seconds since the epoch at which the token ends.
    """

    tenant: str
    client: str
    valid_until: int


class ReaderTokens:
    """Checks tokens.

    Args:
        keys: a tenant's valid keys, several while they rotate; keys under 32 characters are refused.
        now_seconds: the real time; tokens do not follow a demonstration's clock.
    """

    def __init__(self, keys: Callable[[str], tuple[str, ...]], *, now_seconds: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now_seconds = now_seconds

    def read(self, token: str | None) -> Reader | None:
        """Whose token it is; None if anything about it is wrong."""
        tenant = _claimed_tenant(token)
        if token is None or tenant is None:
            return None
        for key in self._keys(tenant):
            if len(key) >= _MIN_KEY_CHARS and (reader := self._verified(token, key, tenant)):
                return reader
        return None

    def _verified(self, token: str, key: str, tenant: str) -> Reader | None:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "aud"]},
            )
            client = msgspec.convert(claims["sub"], Identifier)
        except (jwt.InvalidTokenError, msgspec.ValidationError):
            return None
        valid_until = int(claims["exp"])
        if valid_until - self._now_seconds() > _MAX_AHEAD_SECONDS + _LEEWAY_SECONDS:
            return None
        return Reader(tenant=tenant, client=client, valid_until=valid_until)


def _claimed_tenant(token: str | None) -> str | None:
    """The tenant that a token names, which only decides whose keys are tried."""
    if token is None or len(token) > _MAX_TOKEN_CHARS:
        return None
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return msgspec.convert(claims.get("tenant", claims.get("iss")), Identifier)
    except (jwt.InvalidTokenError, msgspec.ValidationError):
        return None
