"""Links: signed addresses in mails that let a client leave a channel without logging in.

It must never expire: a mail may be opened after years, and leaving has to work then (RFC 8058
and the law ask for it). A token holds tenant, client and channel, all pseudonymous, and a
signature; whoever has the mail may leave, and nothing else.
"""

from dataclasses import dataclass

from agents.web.signed_tokens import SignedTokens

_SALT = "cairn.unsubscribe.v1"
_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a token is about."""

    tenant: str
    client: str
    channel: str


class UnsubscribeLinks:
    """Makes and reads the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        keys: secrets, oldest first; the last one signs, all are accepted.
    """

    def __init__(self, public_url: str, *keys: str) -> None:
        self._base = public_url.rstrip("/")
        self._tokens = SignedTokens(_SALT, keys)

    def url(self, *, tenant: str, client: str, channel: str) -> str:
        """The address of the page, which is also the one-click address of RFC 8058."""
        return f"{self._base}/u/{self.token(tenant=tenant, client=client, channel=channel)}"

    def token(self, *, tenant: str, client: str, channel: str) -> str:
        """The signed token alone."""
        return self._tokens.make(tenant, client, channel)

    def read(self, token: str) -> Subscription | None:
        """What the token is about; None when we never made it."""
        words = self._tokens.read(token, _PARTS)
        return Subscription(tenant=words[0], client=words[1], channel=words[2]) if words else None
