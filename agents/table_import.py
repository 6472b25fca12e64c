"""A table as a format of an import: rows become profiles and events of clients found in sets.

It must never publish an event before the profile that its row tells, or of a client who was
erased, and an address goes to `coaching.clients.v1` alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, Final, NamedTuple

from agents.import_checkpoint import Progress
from agents.import_format import Line, Look, Taken
from agents.intake.finding import Person
from agents.intake.many_people import Found, ManyPeople, is_news
from agents.ledger.away import AWAY
from agents.ledger.opening import DatabaseAway
from agents.publishing import Publisher
from agents.table_file import TableFile
from agents.table_rows import TableRow, read_rows
from agents.table_says import RowSays, RowTranslator
from schemas.client import Profile
from schemas.codec import encode_event
from schemas.import_mapping import ImportMapping
from schemas.refusal import Refused
from schemas.topics import client_key

_ERASED: Final = Refused("erased", "this person was erased; nothing about them is taken in any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormat:
    """The format of one table.

    Attributes:
        source: the tool whose ids its clients have.
        records_a_line: how many events a row holds, at most.
        people: finds clients and publishes profiles; None where the table needs neither.
    """

    table: TableFile
    tenant: str
    live: bool
    source: str
    mapping: str
    records_a_line: int
    translator: RowTranslator
    people: ManyPeople | None = None

    def lines(self, file: BinaryIO, progress: Progress) -> Iterator[TableRow]:
        """The rows from where an import is; the header is none."""
        table = self.table
        offset, number = (progress.offset, progress.lines) if progress.lines else (table.begins, table.lines)
        return read_rows(file, offset, number, separator=table.separator, headers=len(table.headers))

    def look(self, line: TableRow) -> Look:
        """What a row says; who was erased is not known.

        Raises:
            Refused: with why it cannot be taken in.
        """
        if line.is_empty:
            return Look(None, ())
        says = self._translated(line)
        return Look(says.client or says.person, [one.event for one in says.events], says.profile is not None)

    async def take(self, lines: Sequence[TableRow], publisher: Publisher) -> Taken:
        """Publish what rows say; those that cannot be taken in come back with the reason.

        Raises:
            DatabaseAway: Postgres does not answer any more.
            KafkaError: Kafka did not take a record.
        """
        refused: list[tuple[Line, Refused]] = []
        rows: list[tuple[TableRow, RowSays]] = []
        for line in lines:
            try:
                if not line.is_empty:
                    rows.append((line, self._translated(line)))
            except Refused as refusal:
                refused.append((line, refusal))
        try:
            settled = await self._settled(rows, publisher)
        except AWAY as error:
            raise DatabaseAway(
                f"Postgres went away ({type(error).__name__}): the same command goes on from here"
            ) from None
        events = []
        for (line, says), client in zip(rows, settled.clients, strict=True):
            if client is None:
                refused.append((line, _ERASED))
            else:
                key = client_key(self.tenant, client)
                events += [(key, encode_event(one.of(client))) for one in says.events]
        size = publisher.chunk_records
        for begin in range(0, len(events), size):
            await publisher.publish(events[begin : begin + size])
        return Taken(len(events), settled.profiles, sorted(refused, key=lambda one: one[0].number))

    def _translated(self, line: TableRow) -> RowSays:
        if line.refusal is not None:
            raise line.refusal
        return self.translator.translate(line.cells)

    async def _settled(self, rows: Sequence[tuple[TableRow, RowSays]], publisher: Publisher) -> "_Settled":
        """The rows' clients, their profiles published; None for one who was erased."""
        if self.people is None:
            return _Settled([says.client for _, says in rows], 0)
        people = list(dict.fromkeys(says.person for _, says in rows if says.person is not None))
        found = await self.people.identify(self.tenant, self.source, people) if people else {}
        erased = {one.client for one in found.values() if one.is_erased}
        clients = [_client(says, found) for _, says in rows]
        told = _told(zip(clients, (says for _, says in rows), strict=True), found, erased)
        profiles = 0
        if told:
            await publisher.pace(len(told))
            profiles, gone = await self.people.tell(self.tenant, told, publisher)
            erased |= gone
        return _Settled([None if client in erased else client for client in clients], profiles)


class _Settled(NamedTuple):
    clients: list[str | None]
    profiles: int


def mapping_digest(mapping: ImportMapping) -> str:
    """What tells one mapping from another."""
    return blake2b(mapping.model_dump_json().encode(), digest_size=16).hexdigest()


def _client(says: RowSays, found: Mapping[Person, Found]) -> str:
    return found[says.person].client if says.person is not None else says.client or ""


def _told(
    rows: Iterable[tuple[str, RowSays]], found: Mapping[Person, Found], erased: set[str]
) -> dict[str, list[Profile]]:
    """By client what rows tell that is not known yet, in their order."""
    told: dict[str, list[Profile]] = {}
    for client, says in rows:
        if says.profile is not None and client not in erased:
            known = found[says.person].profile if says.person is not None else None
            if known is None or client in told or is_news(known, says.profile):
                told.setdefault(client, []).append(says.profile)
    return told
