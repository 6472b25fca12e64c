"""The one protocol that every channel speaks: a message goes in, an honest outcome comes out.

A channel moves one message to one provider and says what is known about it afterwards. It
must never retry by itself across the point of no return, never write to the ledger and never
guess: what nobody knows is `unknown`.

Theory of operation: `send` may do whatever is safe to repeat, then awaits
`point_of_no_return()` right before the step after which the provider may have taken the
message (SMTP: before the first byte after DATA). That call commits the state `sending`; when
it answers False the lease is lost or the message may no longer go, and the channel withdraws
without a trace. `send` raises nothing that belongs to the provider: every fault of the other
side is an outcome. Cancelling it is safe before that point and leaves `unknown` after it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

OutcomeKind = Literal["accepted", "retry", "rejected", "unknown"]
PointOfNoReturn = Callable[[], Awaitable[bool]]


class Channel(Protocol):
    """A way to a person; one instance serves many concurrent sends.

    Attributes:
        name: the channel's name in policies, deliveries and metrics.
    """

    name: str

    async def send(self, message: "Message", point_of_no_return: PointOfNoReturn) -> "Outcome":
        """Move one message; see the module's theory of operation."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineImage:
    """A picture that stands inside the HTML as `cid:{cid}`."""

    cid: str
    filename: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a mail."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What is given.

    Attributes:
        to_name: the client's name; None when the profile has none.
        currency: ISO 4217.
    """

    cents: int
    currency: str
    to_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One rendered message to one person, with nothing left to look up.

    Attributes:
        delivery_id: decides the Message-ID and idempotency keys; equal on every attempt.
        reply_to: the coach's address; None when the tenant's sender answers itself.
        html: the alternative to `text`; empty when the channel has none.
        attachments: files beside the text; a mail's alone.
        gift: what is given; on the channel `gift` alone.
        unsubscribe_url: the one-click address of RFC 8058; None on channels without one.
        locale: BCP 47 tag of the text, as in `en`.
    """

    delivery_id: str
    celebration_id: str
    tenant: str
    client: str
    to_address: str
    from_name: str
    from_address: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    inline: tuple[InlineImage, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    gift: Gift | None = None
    unsubscribe_url: str | None = None
    locale: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known after an attempt.

    Attributes:
        kind: `accepted`, the provider has it; `retry`, it certainly does not, or takes it only once
            (`in_doubt`), and another attempt may work; `rejected`, it does not and no attempt will;
            `unknown`, nobody can say.
        detail: the provider's words without addresses, for the ledger and for operators.
        provider_id: what the provider calls the message, if it said so.
        in_doubt: only with `retry`: the provider may have it already, under a key of ours by which it takes the same
            thing once, so that sending it again is safe. What it costs stays reserved; and when no attempt is
            left, it is `unknown`.
    """

    kind: OutcomeKind
    detail: str
    provider_id: str | None = None
    in_doubt: bool = False
