"""Preference links: signed addresses in messages that let a client see and change what they get, without logging in.

It must never expire, as an unsubscribe link must not, and never open anything but the client's own wishes: a token
holds tenant and client, both pseudonymous, and a signature under a salt of its own.
"""

from dataclasses import dataclass

from agents.web.signed_tokens import SignedTokens

_SALT = "cairn.preferences.v1"
_PARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose wishes a token is about."""

    tenant: str
    client: str


class PreferenceLinks:
    """Makes and reads the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        keys: secrets, oldest first; the last one signs, all are accepted.
    """

    def __init__(self, public_url: str, *keys: str) -> None:
        self._base = public_url.rstrip("/")
        self._tokens = SignedTokens(_SALT, keys)

    def url(self, *, tenant: str, client: str) -> str:
        """The address of the page; for `Links.preferences_url`."""
        return f"{self._base}/p/{self.token(tenant=tenant, client=client)}"

    def token(self, *, tenant: str, client: str) -> str:
        """The signed token alone."""
        return self._tokens.make(tenant, client)

    def read(self, token: str) -> Whose | None:
        """Whose token it is; None when we never made it."""
        words = self._tokens.read(token, _PARTS)
        return Whose(tenant=words[0], client=words[1]) if words else None
