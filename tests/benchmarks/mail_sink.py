"""An SMTP server that accepts every mail, keeps none and counts them: `python -m tests.benchmarks.mail_sink PORT`.

It speaks what delivery asks for (RFC 5321, 4.5.1), in a process of its own and a mail at a time, so that the figure is
delivery's and not that of the server. When told to stop it says on standard output how many mails it accepted, and how
many different Message-IDs they carried.
"""

import asyncio
import json
import re
import signal
import sys

from agents.embedded.ports import LOOPBACK

_MESSAGE_ID = re.compile(rb"(?im)^message-id:[ \t]*(\S+)")
_END = b"\r\n.\r\n"
_ANSWERS = {b"EHLO": b"250 sink\r\n", b"HELO": b"250 sink\r\n", b"QUIT": b"221 bye\r\n", b"DATA": b"354 go on\r\n"}


class Sink:
    """What was accepted."""

    def __init__(self) -> None:
        self.mails = 0
        self.ids: set[bytes] = set()

    def accept(self, mail: bytes) -> None:
        """Count a mail."""
        self.mails += 1
        found = _MESSAGE_ID.search(mail)
        self.ids.add(found[1] if found else mail)


class Conversation(asyncio.Protocol):
    """One connection: lines until DATA, then a mail until its lone dot."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._read = bytearray()
        self._is_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Take what has come whole."""
        searched_from = max(0, len(self._read) - len(_END))
        self._read += data
        while (end := self._read.find(_END if self._is_mail else b"\r\n", searched_from)) >= 0:
            searched_from = 0
            taken = bytes(self._read[:end])
            del self._read[: end + len(_END if self._is_mail else b"\r\n")]
            self._answer(taken)

    def _answer(self, taken: bytes) -> None:
        if self._is_mail:
            self._sink.accept(taken)
            self._is_mail = False
            self._transport.write(b"250 2.0.0 kept\r\n")
            return
        verb = taken[:4].upper()
        self._transport.write(_ANSWERS.get(verb, b"250 fine\r\n"))
        self._is_mail = verb == b"DATA"
        if verb == b"QUIT":
            self._transport.close()


async def _serve(port: int) -> None:
    sink, stopped = Sink(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Conversation(sink), LOOPBACK, port)
    async with server:
        await stopped.wait()
    sys.stdout.write(json.dumps({"mails": sink.mails, "distinct": len(sink.ids)}) + "\n")


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
