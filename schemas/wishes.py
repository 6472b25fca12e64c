"""Wishes: what a client wants to get and has agreed to, as it counts now and as it came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from schemas.client import Consent, ConsentKind

CONSENT_KINDS: Final[tuple[ConsentKind, ...]] = get_args(ConsentKind)

GRANTED_UNASKED: Final[frozenset[ConsentKind]] = frozenset({"service"})
"""What is allowed with nothing recorded."""

MESSAGE_CHANNELS: Final = ("email", "sms", "in_app")
"""The channels on which a client gets messages, and which they may leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history.

    Attributes:
        name: the kind of consent, or the channel.
        granted: None when nothing is recorded any more.
        source: the way on which it was said.
        author: who said it: the client, the profile of a tool, or a provider.
    """

    about: Literal["consent", "channel"]
    name: str
    granted: bool | None
    source: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What counts for one client.

    Attributes:
        left: channels that they do not want.
        consents: what is recorded, by kind.
    """

    left: frozenset[str]
    consents: Mapping[ConsentKind, Consent]

    def allows(self, kind: ConsentKind) -> bool:
        """Whether the kind is allowed; with nothing recorded only service is."""
        recorded = self.consents.get(kind)
        return kind in GRANTED_UNASKED if recorded is None else recorded.granted
