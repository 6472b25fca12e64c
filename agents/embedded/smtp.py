"""A real SMTP server that keeps every mail it accepts, in memory and as files, and delivers none.

Must never forward a mail, listen beyond the loopback interface, or keep without a limit.

Theory of operation: aiosmtpd serves in a thread of its own. Each accepted mail becomes one `.eml` file,
numbered in order of arrival over all starts, and one `Mail`; beyond the limit the oldest of both goes.
"""

import itertools
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from agents.embedded.ports import LOOPBACK, usable_port

_DEFAULT_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One accepted mail."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    received_at: datetime
    path: Path

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed by the rules of RFC 5322 and MIME."""
        return message_from_bytes(self.content, policy=policy.default)


class SmtpSink:
    """A mail server on 127.0.0.1.

    Args:
        folder: Where the `.eml` files go; made when missing.
        port: Its port; a free one when None.
        limit: How many mails are kept, in memory and on disk.
        tls: Offers STARTTLS when given, and then requires it.
        credentials: Requires this user name and password when given; only with `tls`.

    Raises:
        ValueError: Credentials without TLS, which would send them in the clear.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        limit: int = _DEFAULT_LIMIT,
        tls: ssl.SSLContext | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        if credentials is not None and tls is None:
            raise ValueError("credentials need tls: a password must not travel in the clear")
        self._folder = folder.absolute()
        self._limit = limit
        self._tls = tls
        self._credentials = credentials
        self._mails: deque[Mail] = deque(maxlen=limit)
        self._lock = threading.Lock()
        self._controller: Controller | None = None
        self.host = LOOPBACK
        self.port = port or 0

    @property
    def mails(self) -> tuple[Mail, ...]:
        """The mails accepted since construction or `clear`, oldest first."""
        with self._lock:
            return tuple(self._mails)

    def clear(self) -> None:
        """Forget the mails in memory; the files stay."""
        with self._lock:
            self._mails.clear()

    def start(self) -> None:
        """Start to accept mail.

        Raises:
            PortTakenError: Somebody listens on the given port.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        last = max((int(path.stem) for path in self._folder.glob("*.eml")), default=0)
        self._numbers = itertools.count(last + 1)
        self.port = usable_port(self.port or None)
        self._controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            enable_SMTPUTF8=True,
            ident="Cairn mail sink",
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            authenticator=self._authenticate,
            auth_required=self._credentials is not None,
        )
        self._controller.start()

    def stop(self) -> None:
        """Close the server. Harmless when it does not run."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep one mail (aiosmtpd's handler protocol)."""
        number = next(self._numbers)
        mail = Mail(
            sender=str(envelope.mail_from),
            recipients=tuple(map(str, envelope.rcpt_tos)),
            content=bytes(envelope.original_content or b""),
            received_at=datetime.now(UTC),
            path=self._path(number),
        )
        mail.path.write_bytes(mail.content)
        self._path(number - self._limit).unlink(missing_ok=True)
        with self._lock:
            self._mails.append(mail)
        return "250 2.0.0 kept"

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}.eml"

    def _authenticate(self, *request: object) -> AuthResult:
        login = request[-1]
        is_known = (
            self._credentials is not None
            and isinstance(login, LoginPassword)
            and (login.login.decode(), login.password.decode()) == self._credentials
        )
        return AuthResult(success=is_known, handled=False)
