"""The checker: reads topics as a subscriber does and holds what it finds against the oracle.

It shares no code with what it judges. A milestone is a JSON object; a state is read by its documented format: a
head of one format byte, the deadline (8 bytes) and one offset of 8 bytes for each of the two source topics; then the
body's version byte, the rulebook's stamp (4 bytes) and a MessagePack array whose third field holds the counters by
name and whose fifth the habits, each with its days as a little-endian bit set in its second field. Keys that begin
with a zero byte are the engine's own.
"""

import json
from collections import Counter
from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

import msgspec

from tests.chaos.load import FLOOD
from tests.chaos.oracle import Identity, Oracle, Seen, of_row
from tests.chaos.topics_read import TopicsRead
from tests.chaos.verdict import Verdict

CLIENTS = "coaching.clients.v1"
EVENTS = "coaching.events.v1"
MILESTONES = "coaching.milestones.v1"
DEAD_LETTERS = "coaching.dead-letters.v1"
CHANGELOG = "cairn-tracker-clients-changelog"

HEAD_BYTES = 1 + 8 + 2 * 8
_BODY_HEAD_BYTES = 1 + 4
_COUNTS, _HABITS = 2, 4
_EXAMPLES = 3


class Checker:
    """Reads on at each look, and judges what it has read so far.

    Args:
        kafka: the broker's address.
        milestones: the topic of the milestones.
        changelog: the topic of the states.
        dead_letters: the topic of what was set aside; None for a program that knows none.
        head_bytes: what stands before a state's body.
    """

    def __init__(
        self,
        kafka: str,
        *,
        milestones: str = MILESTONES,
        changelog: str = CHANGELOG,
        dead_letters: str | None = DEAD_LETTERS,
        head_bytes: int = HEAD_BYTES,
    ) -> None:
        names = [name for name in (EVENTS, milestones, changelog, dead_letters) if name]
        self._read = TopicsRead(kafka, names)
        self._met = TopicsRead(kafka, [CLIENTS])
        self._hear = {milestones: self.milestone, changelog: self.state, dead_letters: self.letter}
        self._head_bytes = head_bytes
        self.oracle = Oracle()
        self.events_of: Counter[str] = Counter()
        self.told: Counter[tuple[Identity, int, str]] = Counter()
        self.states: dict[bytes, bytes] = {}
        self.letters: Counter[bytes] = Counter()
        self.last_of: dict[bytes, tuple[int, int]] = {}

    async def look(self) -> None:
        """Read everything that is new, once the load has ended: first who the clients are, then what they did."""
        async for record in self._met.new():
            self.oracle.meet(record.key, record.value)
        async for record in self._read.new():
            if record.topic != EVENTS:
                self._hear[record.topic](record.key, record.value)
            else:
                self.event(record.key, record.value, record.timestamp)
                self.last_of[record.key] = (record.partition, record.offset)

    def last_offsets(self, topic: str) -> dict[int, int]:
        """The offset of the last record read, by partition."""
        return {each.partition: offset for each, offset in self._read.last.items() if each.topic == topic}

    def event(self, key: bytes, value: bytes, *appended_ms: int) -> None:
        """Take a record of the events topic in."""
        self.events_of[_row_of(key)] += 1
        self.oracle.hear(key, value, *appended_ms)

    def milestone(self, _key: bytes, value: bytes) -> None:
        """Take a milestone in."""
        told = json.loads(value)
        identity = (told["tenant"], told["client"], told["rule"], told["threshold"], told["occurrence"])
        self.told[identity, told["revision"], told["type"]] += 1

    def state(self, key: bytes, value: bytes | None) -> None:
        """Take a state in; the newest counts."""
        if value is not None and not key.startswith(b"\0"):
            self.states[key] = value

    def letter(self, _key: bytes, value: bytes) -> None:
        """Take a dead letter in."""
        self.letters[value] += 1

    def judge(self, row: str = "") -> Verdict:
        """What the milestones, states and dead letters of a row's clients are, beside what they must be."""
        expected = self.oracle.of_row(row)
        told = {one: times for one, times in self.told.items() if not row or one[0][1].startswith(f"{row}-")}
        found = of_row((one[0] for one in told), row)
        missing, beyond = expected - found, found - expected
        taken_back = [one for one in told if one[1:] != (1, "milestone.reached")]
        keys = [key for key in self.oracle.seen if not row or _row_of(key) == row]
        broken_states = [key for key in keys if not self._is_right(key)]
        letters, broken = self._letters_of(row, self.letters), self._letters_of(row, self.oracle.broken)
        odd_letters = (letters - broken) + (broken - letters)
        examples = chain(_quoted("missing", missing), _quoted("wrong", beyond), _quoted("state", broken_states))
        return Verdict(
            events=self.events_of[row] if row else self.events_of.total(),
            expected=len(expected),
            found=len(expected & found),
            missing=len(missing),
            duplicated=sum(times - 1 for times in told.values()),
            wrong=len(beyond) + len(taken_back),
            states=len(keys),
            wrong_states=len(broken_states),
            dead_letters=letters.total(),
            wrong_dead_letters=odd_letters.total(),
            examples=tuple(examples),
        )

    def leave_out_behind(self, positions: Mapping[int, int]) -> int:
        """Forget the clients of whom not every event was applied yet, so that a backlog counts as no fault.

        Args:
            positions: the next offset of the events topic that will be applied, by partition.

        Returns:
            How many clients are left out.
        """
        late = {key for key, (partition, offset) in self.last_of.items() if offset >= positions.get(partition, 0)}
        names = {tuple(key.decode().split("/")) for key in late}
        self.oracle.expected = {one for one in self.oracle.expected if one[:2] not in names}
        self.told = Counter({one: times for one, times in self.told.items() if one[0][:2] not in names})
        for key in late:
            self.oracle.seen.pop(key, None)
        return len(late)

    def _letters_of(self, row: str, letters: Mapping[bytes, int]) -> Counter[bytes]:
        mark = f'"{row}-'.encode() if row else b""
        return Counter({v: times for v, times in letters.items() if mark in v and not v.startswith(FLOOD)})

    def _is_right(self, key: bytes) -> bool:
        if key not in self.states:
            return False
        seen = self.oracle.seen[key] if key not in self.oracle.erased else Seen()
        return counted(self.states[key][self._head_bytes :]) == (len(seen.sessions), len(seen.days))


def counted(body: bytes) -> tuple[int, int]:
    """The sessions and the checked days that a state's body holds."""
    fields: list[Any] = msgspec.msgpack.decode(body[_BODY_HEAD_BYTES:])
    sessions = sum(fields[_COUNTS].values())
    days = sum(int.from_bytes(habit[1], "little").bit_count() for habit in fields[_HABITS].values())
    return sessions, days


def _row_of(key: bytes) -> str:
    return key.partition(b"/")[2].rpartition(b"-")[0].decode()


def _quoted(what: str, found: Any) -> list[str]:
    return [f"{what}: {one}" for one in islice(found, _EXAMPLES)]
