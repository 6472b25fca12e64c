"""What people do by hand in the play: a coach holds the brake, a client follows a link in a mail."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg

from agents.stack import CAIRN
from demo.sent import parse_mail
from demo.tenant import TENANT

_CLIENT = "SELECT client FROM clients WHERE lower(profile ->> 'email') = $1"


class HandsFailedError(Exception):
    """Something that a person did by hand did not work; the text says what."""


async def make_admin_key(environment: Mapping[str, str]) -> str:
    """The key with which the coaches' tool uses the administration API: `cairn keys create`.

    Raises:
        HandsFailedError: the command failed.
    """
    command = (CAIRN, "keys", "create", "coaches", "--tenant", TENANT)
    process = await asyncio.create_subprocess_exec(
        *command, env=dict(environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        key, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise HandsFailedError(f"cairn keys create failed: {complaint.decode()}")
    return key.decode().strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The hands of coach and client.

    Attributes:
        dsn: the ledger, in which the coach's tool looks up the client.
        mails_folder: the mails that clients got.
        admin_url: the administration API.
        admin_key: its key.
    """

    dsn: str
    mails_folder: Path
    admin_url: str
    admin_key: str = field(repr=False)

    async def suppress(self, session: aiohttp.ClientSession, email: str, reason: str) -> None:
        """Hold everything for a client.

        Raises:
            HandsFailedError: nobody has that address, or the answer was not 2xx.
        """
        connection = await asyncpg.connect(self.dsn)
        try:
            client = await connection.fetchval(_CLIENT, email)
        finally:
            await connection.close()
        if client is None:
            raise HandsFailedError("the coach does not find the client")
        url = f"{self.admin_url}/tenants/{TENANT}/clients/{client}/suppression"
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        async with session.put(url, json={"reason": reason, "answer": "hold"}, headers=headers) as answer:
            if not answer.ok:
                raise HandsFailedError(f"the wish for quiet was answered with status {answer.status}")

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
