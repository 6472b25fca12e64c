"""Signed tokens: a few pseudonymous words in an address, which nobody but us can have put there.

A token must never expire, for a mail may be opened after years, and never be read under another salt than its own.
"""

import hashlib
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

_MAX_CHARS = 1_024


class SignedTokens:
    """Makes and reads the tokens of one kind.

    Args:
        salt: the kind's own.
        keys: secrets, oldest first; the last one signs, all are accepted.
    """

    def __init__(self, salt: str, keys: tuple[str, ...]) -> None:
        self._serializer = URLSafeSerializer(
            list(keys), salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def make(self, *words: str) -> str:
        """The token of these words; the same every time."""
        return str(self._serializer.dumps(list(words)))

    def read(self, token: str, count: int) -> list[Any] | None:
        """The words of a token that has so many; None when we never made it."""
        if len(token) > _MAX_CHARS:
            return None
        try:
            words = self._serializer.loads(token)
        except BadSignature:
            return None
        return words if isinstance(words, list) and len(words) == count else None
