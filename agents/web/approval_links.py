"""Approval links: signed addresses in mails to coaches, each for one celebration.

A token holds tenant, celebration and coach, all pseudonymous, when it was made, and a signature:
whoever has the mail may decide this one thing in the coach's name, and nothing else. It opens
for a month, long after any approval has closed, so that it can tell what became of it.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

OPENS_SECONDS: Final = 30 * 24 * 3600
_SALT = "cairn.approval.v1"
_PARTS = 3
_MAX_CHARS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a token is about, and who was asked."""

    tenant: str
    celebration_id: str
    coach: str


class ApprovalLinks:
    """Makes and reads the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        keys: secrets, oldest first; the last one signs, all are accepted.
    """

    def __init__(self, public_url: str, *keys: str) -> None:
        self._base = public_url.rstrip("/")
        self._serializer = URLSafeTimedSerializer(
            list(keys), salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def url(self, *, tenant: str, celebration_id: str, coach: str) -> str:
        """The address of the page."""
        return f"{self._base}/a/{self.token(tenant=tenant, celebration_id=celebration_id, coach=coach)}"

    def token(self, *, tenant: str, celebration_id: str, coach: str) -> str:
        """The signed token alone."""
        return str(self._serializer.dumps([tenant, celebration_id, coach]))

    def read(self, token: str) -> Asked | Literal["unknown", "expired"]:
        """What the token is about; `unknown` when we never made it, `expired` when it is too old."""
        if len(token) > _MAX_CHARS:
            return "unknown"
        try:
            parts = self._serializer.loads(token, max_age=OPENS_SECONDS)
        except SignatureExpired:
            return "expired"
        except BadSignature:
            return "unknown"
        if not isinstance(parts, list) or len(parts) != _PARTS:
            return "unknown"
        return Asked(tenant=parts[0], celebration_id=parts[1], coach=parts[2])
