"""Access: keys of the administration API, `Authorization: Bearer cairn_…`.

A key is 256 random bits, shown once when it is made; the ledger keeps its SHA-256. It must
never be logged. A random key needs no slow hash: guessing it is out of reach (NIST SP 800-63B,
5.1.1.2, speaks of memorised secrets).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries

_KEY = re.compile(r"^cairn_[A-Za-z0-9_-]{43}$")
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls the administration API.

    Attributes:
        author: signs what is done.
        tenant: the one tenant that the key may touch; None for all.
    """

    author: str
    tenant: str | None

    def may_touch(self, tenant: str) -> bool:
        """Whether the key reaches that tenant."""
        return self.tenant is None or self.tenant == tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is listed, without the key itself."""

    key_id: int
    tenant: str | None
    name: str
    created_at: datetime
    revoked_at: datetime | None


async def create_key(pool: Pool, *, name: str, tenant: str | None) -> str:
    """Make a key; it is returned here and nowhere else again.

    Args:
        pool: the ledger.
        name: signs what is done with the key.
        tenant: its scope; None for all tenants.
    """
    key = f"cairn_{secrets.token_urlsafe(_KEY_BYTES)}"
    await pool.execute(load_queries("web").create_key, _hash(key), tenant, name)
    return key


async def list_keys(pool: Pool) -> tuple[ApiKey, ...]:
    """All keys ever made, oldest first."""
    return tuple(ApiKey(**row) for row in await pool.fetch(load_queries("web").list_keys))


async def revoke_key(pool: Pool, key_id: int) -> bool:
    """Revoke a key at once; False when it was not valid."""
    return await pool.fetchval(load_queries("web").revoke_key, key_id) is not None


async def caller_of(pool: Pool, request: web.Request) -> Caller | None:
    """Who sends the request; None for a missing, malformed, unknown or revoked key."""
    key = bearer(request)
    if key is None or not _KEY.match(key):
        return None
    presented = _hash(key)
    row = await pool.fetchrow(load_queries("web").find_key, presented)
    if row is None or not hmac.compare_digest(row["key_hash"], presented):
        return None
    return Caller(author=row["name"], tenant=row["tenant"])


def bearer(request: web.Request) -> str | None:
    """The bearer token of a request (RFC 6750, 2.1), which is ASCII."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token and token.isascii() else None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
