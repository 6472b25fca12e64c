"""Lines of a history made ready for the events topic, or refused with a reason.

A line is a CloudEvent in structured mode. Its tenant may be missing, another one's is refused.
An event without an id gets one that follows from its content, so that the same line is the
same event however often it is sent. What the codec does not know of a line is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import msgspec

from agents.event_lines import with_attributes
from agents.import_checkpoint import Progress
from agents.import_format import Line, Look, Taken
from agents.numbered_lines import NumberedLine, read_lines
from agents.publishing import KeyedEvent, Publisher
from schemas.codec import Refused, decode_event
from schemas.event import Event
from schemas.text import EVENT_MAX_BYTES
from schemas.topics import client_key

_AHEAD = timedelta(hours=24)
_NOT_CONTENT = frozenset({"id", "receivedat", "silent", "specversion", "datacontenttype"})
_fields = msgspec.json.Decoder(dict[str, Any]).decode


class Prepared(NamedTuple):
    """A line that may be published."""

    event: Event
    record: KeyedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePreparer:
    """Makes lines ready for one import: the format of JSON Lines.

    Attributes:
        tenant: whose history it is.
        live: whether milestones of it are celebrated; else every event is silent.
        now: no event may lie more than a day after it.
    """

    tenant: str
    live: bool
    now: datetime

    @property
    def mapping(self) -> str:
        """A line says itself what it means."""
        return ""

    @property
    def records_a_line(self) -> int:
        """A line is an event."""
        return 1

    def lines(self, file: BinaryIO, progress: Progress) -> Iterator[NumberedLine]:
        """The lines from where an import is."""
        file.seek(progress.offset)
        return read_lines(file, progress.offset, progress.lines)

    def look(self, line: NumberedLine) -> Look:
        """The event of a line.

        Raises:
            Refused: with why it cannot be published.
        """
        if line.content.isspace():
            return Look(None, ())
        event = self.prepare(line.content).event
        return Look(event.client, (event,))

    async def take(self, lines: Sequence[NumberedLine], publisher: Publisher) -> Taken:
        """Publish the events of lines; the others come back with the reason."""
        events: list[KeyedEvent] = []
        refused: list[tuple[Line, Refused]] = []
        for line in lines:
            if not line.content.isspace():
                try:
                    events.append(self.prepare(line.content).record)
                except Refused as refusal:
                    refused.append((line, refusal))
        if events:
            await publisher.publish(events)
        return Taken(len(events), 0, refused)

    def prepare(self, line: bytes) -> Prepared:
        """The event of a line, and its record.

        Raises:
            Refused: with why it cannot be published.
        """
        if len(line) > EVENT_MAX_BYTES:
            raise Refused("too_large", f"an event has at most {EVENT_MAX_BYTES} bytes, not {len(line)}")
        try:
            value = self._completed(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused("not_json", f"a line must be a JSON object in UTF-8: {error}") from None
        except RecursionError:
            raise Refused("too_deep", "the JSON is nested too deeply") from None
        event = decode_event((), value)
        if event.tenant != self.tenant:
            raise Refused("wrong_envelope", "tenantid is another tenant than the one of this import")
        if event.occurred_at > self.now + _AHEAD:
            raise Refused("time_in_future", "time lies more than 24 h after now")
        return Prepared(event, (client_key(event.tenant, event.client), value))

    def _completed(self, line: bytes) -> bytes:
        """The line with tenant, id and silence filled in, without when somebody else received it."""
        fields = _fields(line)
        filled: dict[str, Any] = {} if fields.get("tenantid") else {"tenantid": self.tenant}
        if not fields.get("id"):
            filled["id"] = _id_of({**fields, **filled})
        if not self.live:
            filled["silent"] = True
        return with_attributes(line, filled, without=("receivedat",))


def _id_of(fields: dict[str, Any]) -> str:
    """An id that follows from what an event says, in whatever order it says it."""
    content = {name: value for name, value in fields.items() if name not in _NOT_CONTENT}
    canonical = msgspec.json.encode(content, order="deterministic")
    return f"import-{blake2b(canonical, digest_size=16).hexdigest()}"
