"""An SMTP server that plays a script: it answers each verb as told, or hangs, or hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG = "hang"
DROP = "drop"
DROP_UNREAD = "drop before the mail is read"


@dataclass
class ScriptedSmtp:
    """Answers by verb; `BODY` is the answer to the end of the mail.

    Attributes:
        answers: what is said instead of yes.
        mails: what was received whole, as the bytes between DATA and the final dot.
        connections: how many were opened.
    """

    answers: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._say(writer, self.answers.get("GREETING", "220 ready"))
            while line := await reader.readline():
                if not await self._answer(line.decode().split()[0].upper(), reader, writer):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.verbs.append(verb)
        answer = self.answers.get(verb, {"DATA": "354 go on", "EHLO": "250 scripted"}.get(verb, "250 fine"))
        if not await self._say(writer, answer):
            return False
        if verb != "DATA" or not answer.startswith("354"):
            return not answer.startswith("421")
        if self.answers.get("BODY") == DROP_UNREAD:
            return False
        try:
            mail = await reader.readuntil(b"\r\n.\r\n")
        except asyncio.IncompleteReadError:
            return False
        return await self._receive(mail, writer)

    async def _receive(self, mail: bytes, writer: asyncio.StreamWriter) -> bool:
        self.mails.append(mail)
        return await self._say(writer, self.answers.get("BODY", "250 2.0.0 Ok: queued as Q1"))

    async def _say(self, writer: asyncio.StreamWriter, answer: str) -> bool:
        if answer == HANG:
            self.hanging.set()
            await asyncio.Event().wait()
        if answer in (DROP, DROP_UNREAD):
            return False
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def scripted_smtp(**answers: str) -> AsyncIterator[ScriptedSmtp]:
    script = ScriptedSmtp(answers=answers)
    conversations: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        conversations.add(task)
        await script.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
