"""Keepsake links: signed addresses of what a client keeps, shows or hands on.

It must never tell who the client is: a token holds the tenant and the celebration, both pseudonymous,
and a signature. Each purpose signs with a salt of its own, so that an address that was given away for one
opens no other. It never expires by itself: a certificate is checked after years; what was withdrawn or
erased is asked of the ledger when the address is opened.

Theory of operation: `base64url(16 bytes of the celebration's id, then the tenant)`, a dot, and an HMAC
with SHA-256 (itsdangerous, "Signer"). Short, because it stands in print.
"""

import binascii
import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData

Purpose = Literal["certificate", "badge", "referral", "video"]
PATHS: Final[dict[Purpose, str]] = {"certificate": "/c", "badge": "/b", "referral": "/r", "video": "/v"}
BADGE_SIZES_PX: Final = (64, 512)
_ID_BYTES: Final = 16
_MAX_CHARS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepsake:
    """What a token is about."""

    tenant: str
    celebration_id: str


class KeepsakeLinks:
    """Makes and reads the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        keys: secrets, oldest first; the last one signs, all are accepted.
    """

    def __init__(self, public_url: str, *keys: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._signers: dict[Purpose, Signer] = {
            purpose: Signer(list(keys), salt=f"cairn.{purpose}.v1", key_derivation="hmac", digest_method=hashlib.sha256)
            for purpose in PATHS
        }

    def certificate(self, tenant: str, celebration_id: str) -> str:
        """The page that says whether a certificate holds."""
        return self._url("certificate", tenant, celebration_id)

    def certificate_file(self, tenant: str, celebration_id: str) -> str:
        """The certificate itself, a PDF."""
        return f"{self.certificate(tenant, celebration_id)}.pdf"

    def badge(self, tenant: str, celebration_id: str) -> str:
        """The page of a badge, which can be shown to anybody."""
        return self._url("badge", tenant, celebration_id)

    def badge_picture(self, tenant: str, celebration_id: str, size_px: int) -> str:
        """The badge itself, a PNG; `size_px` is one of `BADGE_SIZES_PX`."""
        return f"{self.badge(tenant, celebration_id)}-{size_px}.png"

    def referral(self, tenant: str, celebration_id: str) -> str:
        """What a client hands on to a friend; opening it is counted."""
        return self._url("referral", tenant, celebration_id)

    def video(self, tenant: str, celebration_id: str) -> str:
        """The page that plays a video."""
        return self._url("video", tenant, celebration_id)

    def token(self, purpose: Purpose, *, tenant: str, celebration_id: str) -> str:
        """The signed token alone.

        Raises:
            ValueError: the celebration's id is not 32 hex characters.
        """
        raw = bytes.fromhex(celebration_id)
        if len(raw) != _ID_BYTES:
            raise ValueError("a celebration's id has 32 hex characters")
        return self._signers[purpose].sign(base64_encode(raw + tenant.encode())).decode()

    def read(self, purpose: Purpose, token: str) -> Keepsake | None:
        """What the token is about; None when we never made it for this purpose."""
        if len(token) > _MAX_CHARS:
            return None
        try:
            raw = base64_decode(self._signers[purpose].unsign(token))
            return Keepsake(tenant=raw[_ID_BYTES:].decode(), celebration_id=raw[:_ID_BYTES].hex())
        except (BadSignature, BadData, binascii.Error, UnicodeError):
            return None

    def _url(self, purpose: Purpose, tenant: str, celebration_id: str) -> str:
        return f"{self._public_url}{PATHS[purpose]}/{self.token(purpose, tenant=tenant, celebration_id=celebration_id)}"
