"""Secrecy: what one long-lived key is for in the intake, and nothing else.

Ids and addresses are stored as keyed hashes, so that a copy of the database names nobody; the
body of a hook that could not be translated is sealed before it goes to a topic, because it may
hold a name. The key is never changed: with another one every client would be a new one.
"""

import hmac
import os
import zlib
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


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
        framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
        return hmac.digest(self._hash_key, framed, sha256)

    def hook_digest(self, tenant: str, source: str, body: bytes) -> bytes:
        """32 bytes that stand for a hook's body wherever it is sealed, as it is otherwise each time."""
        return self.hashed("kept hook", tenant, source, body.hex())

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
