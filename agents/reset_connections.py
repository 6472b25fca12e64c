"""A connection that was reset says so in the words that aiokafka's callers expect.

Must never hide another error: what is turned is the one that uvloop raises for a transport that is closed already.

Theory of operation: asyncio drops a write to a connection that the other side has reset, and aiokafka learns of it by
reading. uvloop raises a RuntimeError from the write, which aiokafka passes on: to a commit, where it would count as a
fault of ours, and to `stop()` of a producer or consumer, where it ended a stop half-way. aiokafka turns an OSError
from the same write into a KafkaConnectionError, which everybody is prepared for; so is this one.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def install() -> None:
    """Turn such errors for every connection of this process."""
    AIOKafkaConnection.send = _send_or_say_why


def _send_or_say_why(self: Any, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        transport = self._writer and self._writer.transport
        if transport is not None and not transport.is_closing():
            raise
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} was reset: {error}") from error
