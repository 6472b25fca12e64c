"""Connections to a mail server: opened when needed, reused while healthy, limited in number.

It must never hand out a connection that another mail is using or that was left in the middle
of a conversation: one is asked (RSET) first, unless it has just accepted a mail. `aiosmtplib`
speaks the protocol; nothing connects before the first lease.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakKeyDictionary

from aiosmtplib import SMTP, SMTPException

_MAILS_PER_CONNECTION = 100
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """How to reach the server that takes our mail.

    Attributes:
        tls: `starttls` (587), `implicit` (465), or `off` for a server on this machine or network.
        tls_context: None verifies certificates as the system does.
        hello: our name in EHLO.
        connections: the most that are open at once.
        command_timeout_seconds: for everything before the end of the mail.
        reply_timeout_seconds: for the reply to the end of the mail; RFC 5321, 4.5.3.2.6, asks for 600.
        trusted_seconds: after an accepted mail the connection carries the next without being asked for so long.
    """

    host: str
    port: int
    tls: Literal["starttls", "implicit", "off"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_context: ssl.SSLContext | None = None
    hello: str = "localhost"
    connections: int = 8
    command_timeout_seconds: float = 60.0
    reply_timeout_seconds: float = 600.0
    trusted_seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse to send a password in the clear over a network."""
        if self.username and self.tls == "off" and self.host not in _LOOPBACK:
            raise ValueError("a mail password needs TLS: set CAIRN_SMTP_TLS to starttls or implicit")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A connection and how many mails it has carried."""

    smtp: SMTP
    mails: int = 0


class Connections:
    """Lends connections; at most `server.connections` are out at a time, the rest wait their turn."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._slots = asyncio.Semaphore(server.connections)
        self._idle: list[_Open] = []
        self._accepted_at: WeakKeyDictionary[SMTP, float] = WeakKeyDictionary()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[SMTP]:
        """A connection that is greeted, encrypted, logged in and ready for MAIL.

        It is kept afterwards if the body leaves it open, and closed if the body raises.

        Raises:
            SMTPException | OSError: no connection could be made.
        """
        async with self._slots:
            connection = await self._reuse() or _Open(smtp=await self._connect())
            try:
                yield connection.smtp
            except BaseException:
                connection.smtp.close()
                raise
            mails = connection.mails + 1
            if connection.smtp.is_connected and mails < _MAILS_PER_CONNECTION:
                self._idle.append(_Open(smtp=connection.smtp, mails=mails))
            else:
                connection.smtp.close()

    def accepted(self, smtp: SMTP) -> None:
        """A lent connection has just accepted a mail: it listens, and is between two mails."""
        self._accepted_at[smtp] = time.monotonic()

    async def close(self) -> None:
        """Close what is idle; a connection that is lent closes with its lease."""
        while self._idle:
            self._idle.pop().smtp.close()

    async def _reuse(self) -> _Open | None:
        while self._idle:
            connection = self._idle.pop()
            if self._is_trusted(connection.smtp):
                return connection
            try:
                await connection.smtp.rset()  # forgets a refused mail, and shows that the server is still there
            except (SMTPException, OSError):
                connection.smtp.close()
            except BaseException:
                connection.smtp.close()
                raise
            else:
                return connection
        return None

    def _is_trusted(self, smtp: SMTP) -> bool:
        accepted_at = self._accepted_at.pop(smtp, None)
        if accepted_at is None or not smtp.is_connected:
            return False
        return time.monotonic() - accepted_at < self._server.trusted_seconds

    async def _connect(self) -> SMTP:
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=server.hello,
            timeout=server.command_timeout_seconds,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=server.tls_context,
        )
        await smtp.connect()
        return smtp
