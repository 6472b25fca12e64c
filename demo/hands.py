"""What people do by hand in the play: a coach holds the brake, a client follows a link in a mail."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg

from agents.stack import CAIRN
from demo.sent import parse_mail
from demo.tenant import TENANT

_CLIENT = "SELECT client FROM clients WHERE lower(profile ->> 'email') = $1"


class HandsFailedError(Exception):
    """Something that a person did by hand did not work; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The hands of coach and client.

    Attributes:
        dsn: the ledger, in which the coach looks up the client.
        mails_folder: the mails that clients got.
        environment: the settings of the command line.
    """

    dsn: str
    mails_folder: Path
    environment: Mapping[str, str]

    async def suppress(self, email: str, reason: str) -> None:
        """Hold everything for a client: `cairn suppress CLIENT --tenant ... --reason ...`.

        Raises:
            HandsFailedError: the command failed, or nobody has that address.
        """
        connection = await asyncpg.connect(self.dsn)
        try:
            client = await connection.fetchval(_CLIENT, email)
        finally:
            await connection.close()
        if client is None:
            raise HandsFailedError("the coach does not find the client")
        command = (CAIRN, "suppress", client, "--tenant", TENANT, "--reason", reason)
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(self.environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        text, _ = await process.communicate()
        if process.returncode != 0:
            raise HandsFailedError(f"cairn suppress failed: {text.decode()}")

    async def leave_mails(self, session: aiohttp.ClientSession, email: str) -> None:
        """Do what a mailbox does for its owner: one POST to the newest mail's address (RFC 8058).

        Raises:
            HandsFailedError: the client got no mail, one without a way out, or the answer was not 2xx.
        """
        mails = [parse_mail(path.read_bytes()) for path in sorted(self.mails_folder.glob("*.eml"))]
        url = next((mail.unsubscribe_url for mail in reversed(mails) if mail.to == email), None)
        if url is None:
            raise HandsFailedError("the client has no mail that could be left")
        async with session.post(url, data={"List-Unsubscribe": "One-Click"}) as answer:
            if not answer.ok:
                raise HandsFailedError(f"leaving the mails was answered with status {answer.status}")
