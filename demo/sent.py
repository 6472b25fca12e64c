"""Messages that left: mails as the mail server received them, in-app messages as clients read them."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

_LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as the mail server received it.

    Attributes:
        delivery_id: the part of the Message-ID before the @.
        images: inline pictures by content id.
        files: what is attached, by name.
        links: the addresses in its words.
        unsubscribe_url: where a mailbox posts for an owner who wants no more (RFC 8058).
    """

    delivery_id: str
    to: str
    sender: str
    subject: str
    text: str
    html: str
    images: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message with what it was for.

    Attributes:
        milestone: its name as people call it.
        sent_at: domain time.
        files: what is attached, by name.
        beside: what came with it and beside it: pairs of a term and words.
    """

    delivery_id: str
    channel: Literal["email", "in_app"]
    tier: str
    rule: str
    milestone: str
    client_name: str
    client_email: str
    sender: str | None
    sent_at: datetime
    subject: str
    text: str
    html: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    beside: tuple[tuple[str, str], ...] = ()

    def as_mail(self, mail: Mail) -> "SentMessage":
        """The same message with the parts that only a mail has."""
        return replace(self, channel="email", sender=mail.sender, html=mail.html, images=mail.images, files=mail.files)


def parse_mail(raw: bytes) -> Mail:
    """A mail from its bytes (RFC 5322, MIME)."""
    message = message_from_bytes(raw, policy=policy.default)
    images = {
        str(part["Content-ID"]).strip("<> "): _bytes(part)
        for part in message.walk()
        if part.get_content_maintype() == "image" and part["Content-ID"]
    }
    text = _body(message, "plain")
    return Mail(
        delivery_id=str(message["Message-ID"]).strip("<> ").partition("@")[0],
        to=str(message["To"]).lower(),
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        text=text,
        html=_body(message, "html"),
        images=images,
        files={part.get_filename() or "": _bytes(part) for part in message.iter_attachments() if part.get_filename()},
        links=tuple(_LINK.findall(text)),
        unsubscribe_url=str(message["List-Unsubscribe"]).strip("<> ") if message["List-Unsubscribe"] else None,
    )


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if part is not None else ""


def _bytes(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
