"""Secrecy: what one long-lived key is for in the intake, and nothing else.

Ids and addresses are stored as keyed hashes, so that a copy of the database names nobody; the
body of a hook that could not be translated is sealed before it goes to a topic, because it may
hold a name. The key is never changed: with another one every client would be a new one.
A large body is worked on in a thread: it must not hold up the hooks of all others.
"""

import asyncio
import hmac
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedHook:
    """A hook's body that only the key opens.

    Attributes:
        digest: the same each time that the same body of a source is sealed.
        sealed: what `Secrecy.opened` takes.
    """

    digest: bytes
    sealed: bytes


class Secrecy:
    """Hashes and seals under the identity key.

    Args:
        key: the identity key; each use has a key of its own derived from it.
    """

    def __init__(self, key: bytes) -> None:
        self._hash_key = hmac.digest(key, b"cairn intake identity", sha256)
        self._seal = AESGCM(hmac.digest(key, b"cairn intake dead letter", sha256))

    def hashed(self, *parts: str) -> bytes:
        """32 bytes that stand for the parts, in this order and cut exactly so."""
        return hmac.digest(self._hash_key, _framed(parts), sha256)

    def hook_digest(self, tenant: str, source: str, body: bytes) -> bytes:
        """32 bytes that stand for a hook's body wherever it is sealed, as it is otherwise each time.

        It is what `hashed` makes of the body in hexadecimal, since what an earlier version kept must be known again;
        made in pieces, which let other threads go on.
        """
        digest = hmac.new(self._hash_key, _framed(("kept hook", tenant, source)), sha256)
        digest.update((2 * len(body)).to_bytes(4, "big"))
        for start in range(0, len(body), _PIECE_BYTES):
            digest.update(body[start : start + _PIECE_BYTES].hex().encode())
        return digest.digest()

    async def put_away(self, tenant: str, source: str, body: bytes, *, most_bytes: int | None = None) -> SealedHook:
        """A hook's body as it is kept: its digest, and the body, or the first bytes of it, sealed."""
        if len(body) <= _PIECE_BYTES:
            return self._put_away(tenant, source, body, most_bytes)
        return await asyncio.to_thread(self._put_away, tenant, source, body, most_bytes)

    def _put_away(self, tenant: str, source: str, body: bytes, most_bytes: int | None) -> SealedHook:
        digest = self.hook_digest(tenant, source, body)
        return SealedHook(digest=digest, sealed=self.sealed(body[:most_bytes]))

    def sealed(self, body: bytes) -> bytes:
        """The body, compressed, readable only with the key (AES-256-GCM, nonce first)."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, zlib.compress(body), None)

    def opened(self, sealed: bytes) -> bytes:
        """What `sealed` was given.

        Raises:
            cryptography.exceptions.InvalidTag: another key sealed it, or it was changed.
        """
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return zlib.decompress(self._seal.decrypt(nonce, text, None))


def _framed(parts: Iterable[str]) -> bytes:
    """The parts, each behind its length."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
