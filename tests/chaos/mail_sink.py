"""A mail server that counts: which mail it accepted how often, and whom it left without an answer.

It answers as it is told (see `ScriptedSmtp`) and can spring a trap at a named point of a conversation: before the
mail is asked for, after it was read, and after it was accepted.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

from tests.integration.channels.scripted_smtp import DROP, HANG, ScriptedSmtp

Point = Literal["before DATA", "after DATA", "after 250"]

ACCEPT_THEN_DROP = "accept, then drop"
_TO = re.compile(rb"(?im)^To:[^\r\n]*?([A-Za-z0-9.-]+@[A-Za-z0-9.-]+)")
_MESSAGE_ID = re.compile(rb"(?im)^Message-ID:\s*<([^@>]+)@")


@dataclass
class MailSink(ScriptedSmtp):
    """The sink.

    Attributes:
        accepted: how often, by the part of the Message-ID before the @.
        unanswered: mails that were read whole and got no answer.
        refused: mails that were refused for good.
        in_doubt: mails that were being sent when their sender was killed or its word to the ledger was lost.
        erased: addresses of people who have been erased.
        to_erased: mails that were read whole and were for them.
    """

    accepted: Counter[str] = field(default_factory=Counter)
    unanswered: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    to_erased: Counter[str] = field(default_factory=Counter)
    _trap: tuple[Point, Callable[[], None]] | None = None
    _server: asyncio.Server | None = None
    _conversations: set[asyncio.Task[None]] = field(default_factory=set)
    _hanging: set[asyncio.Task[None]] = field(default_factory=set)
    _reading: int = 0

    async def start(self) -> None:
        """Listen, on the port of the first time."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no longer, and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        await self.hang_up()
        while self._reading:  # what became of a mail has to be known here  # noqa: ASYNC110 - a moment
            await asyncio.sleep(0.01)
        await _end(self._conversations)

    async def hang_up(self) -> None:
        """Hang up on those who wait for an answer that does not come."""
        await _end(self._hanging)

    def set_trap(self, point: Point, spring: Callable[[], None]) -> None:
        """Call `spring` the next time that a conversation is at that point, and hang up."""
        self._trap = (point, spring)

    @property
    def is_set(self) -> bool:
        """Whether the trap still waits."""
        return self._trap is not None

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)
        await self.serve(reader, writer)

    async def _answer(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if verb == "DATA" and self._springs("before DATA"):
            return False
        self._reading += verb == "DATA"
        try:
            return await super()._answer(verb, reader, writer)
        finally:
            self._reading -= verb == "DATA"

    async def _receive(self, mail: bytes, writer: asyncio.StreamWriter) -> bool:
        found = _MESSAGE_ID.search(mail)
        name = found[1].decode() if found else "without a Message-ID"
        if (to := _TO.search(mail)) and to[1].decode() in self.erased:
            self.to_erased[name] += 1
        answer = self.answers.get("BODY", "250 2.0.0 Ok: queued as Q1")
        if self._springs("after DATA"):
            self.unanswered.add(name)
            return False
        if answer == ACCEPT_THEN_DROP:
            self.accepted[name] += 1
        if answer in {HANG, DROP, ACCEPT_THEN_DROP}:
            self.unanswered.add(name)
            if answer == HANG:
                self._hanging.add(cast("asyncio.Task[None]", asyncio.current_task()))
            return await self._say(writer, HANG if answer == HANG else DROP)
        if answer.startswith("2"):
            self.accepted[name] += 1
        elif answer.startswith("5"):
            self.refused.add(name)
        said = await self._say(writer, answer)
        return said and not self._springs("after 250")

    def _springs(self, point: Point) -> bool:
        if self._trap is None or self._trap[0] != point:
            return False
        spring, self._trap = self._trap[1], None
        spring()
        return True


async def _end(conversations: set[asyncio.Task[None]]) -> None:
    ended = tuple(conversations)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)
    conversations.difference_update(ended)
