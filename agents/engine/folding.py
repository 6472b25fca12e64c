"""One batch folded in memory: what a transaction will write, computed before it begins.

Must never touch the committed states, wait, or look at a clock: until the transaction has committed nothing happened.

Theory of operation: each key met is decoded once into a working entry, its records are applied in order, and it is
encoded once at the end. Keys are independent of each other, so a due key is ticked right before its own next record:
that gives the same result as ticking it when it fell due, which is why a backlog and a live service agree.

What raises concerns one key, and the others go on: a record becomes a dead letter, a tick parks its key, and the state
stays what it was. Only that a state cannot be encoded shows at the end, when nobody knows any more which record made
it so: the same work is then done singly, each state being encoded as soon as it has changed.
"""

import traceback
from collections import Counter
from collections.abc import Callable
from typing import Generic

import structlog

from agents.engine.batch import Batch
from agents.engine.bookmark import RESERVED_PREFIX
from agents.engine.breaker import Breaker
from agents.engine.dead_letters import dead_letter
from agents.engine.header import NEVER
from agents.engine.logic import Logic, Output, R, Record, Refusal, S
from agents.engine.partitioner import partition_for
from agents.engine.store import PartitionStates

log = structlog.get_logger(__name__)

_FOLD, _STATE = "fold_error", "state_error"
_NO_KEY = Refusal(reason="no_key", detail="the record has no key, or a key that begins with a NUL byte")


class _Entry(Generic[S]):
    """A key being worked on, or one that nothing can be done for, and why."""

    __slots__ = ("applied", "deadline", "refusal", "state", "touched")

    def __init__(
        self, state: S | None, deadline: int, applied: tuple[int, ...], refusal: Refusal | None = None
    ) -> None:
        self.state = state
        self.deadline = deadline  # or `NEVER`
        self.applied = list(applied)
        self.touched = False
        self.refusal = refusal


class Folding(Generic[S, R]):
    """Collects the effects of records and ticks on one partition.

    Args:
        partition: The partition number.
        partitions: How many there are.
        topics: The source topics in fold order.
        states: The committed states, read only.
        logic: What the records mean.
        rules: The snapshot for this batch.
        breaker: Refusals so far.
        dead_letter_topic: Where refused records go.
        private_topics: Sources of which no content goes there.
        singly: Encode each state as soon as it has changed, to find what makes one that cannot be.
    """

    def __init__(  # noqa: PLR0913 - the collaborators of one batch
        self,
        *,
        partition: int,
        partitions: int,
        topics: tuple[str, ...],
        states: PartitionStates,
        logic: Logic[S, R],
        rules: R,
        breaker: Breaker,
        dead_letter_topic: str,
        private_topics: frozenset[str] = frozenset(),
        singly: bool = False,
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._topics = topics
        self._states = states
        self._logic = logic
        self._rules = rules
        self._dead_letter_topic = dead_letter_topic
        self._private_topics = private_topics
        self._singly = singly
        self._entries: dict[bytes, _Entry[S]] = {}
        self.breaker = breaker
        self.outputs: list[Output] = []
        self.parked: list[bytes] = []  # keys for which time could do nothing, because something raised
        self.refused: Counter[str] = Counter()
        self.replayed = 0
        self.records = 0
        self.end = NEVER
        self.tripped = False

    def fold(self, batch: Batch, times: Callable[[Record], int]) -> None:
        """Apply the records of a batch in order, up to its end or to the refusal that trips the breaker."""
        topic, index = batch.topic, self._topics.index(batch.topic)
        bookmark = self._states.bookmark
        seen_before = 0 if bookmark is None else bookmark.next_offsets.get(topic, 0)
        entries, counted, appended_ms, now_ms = self._entries, 0, NEVER, 0
        apply = self._apply_singly if self._singly else self._apply
        for record in batch.records:
            offset = record.offset
            entry = entries.get(record.key) or self._entry(record.key)  # type: ignore[arg-type] # None is no key of it
            if offset < seen_before or entry.applied[index] >= offset:
                self.replayed += 1
                continue
            if record.timestamp != appended_ms:  # a producer's batch shares one append time
                appended_ms, now_ms = record.timestamp, times(record)
            refusal = entry.refusal or apply(entry, topic, index, record, now_ms)
            if refusal is None:
                counted += 1
            elif not self._refuse(refusal, batch, record, counted):
                self.end = offset
                return
            else:
                counted = 0
        self.breaker = self.breaker.passed(counted)
        self.records = len(batch.records)
        self.end = batch.end

    def tick(self, keys: list[bytes], now_ms: int) -> None:
        """Apply what has fallen due for these keys, or park them."""
        self._pass_time(keys, now_ms, self._tick_due)

    def renew(self, keys: list[bytes], now_ms: int) -> None:
        """Tick these keys whether or not they have fallen due, or park them."""
        self._pass_time(keys, now_ms, self._tick)

    def changes(self) -> dict[bytes, bytes | None]:
        """Return the stored value of every key that changed, None where there is no state any more.

        Raises:
            Exception: A state cannot be encoded; never after work that was done singly.
        """
        return {key: self._encode(entry) for key, entry in self._entries.items() if entry.touched}

    def _pass_time(self, keys: list[bytes], now_ms: int, pass_time: Callable[[_Entry[S], int], None]) -> None:
        for key in keys:
            entry, told = self._entries.get(key) or self._entry(key), len(self.outputs)
            if entry.refusal is not None:
                self.parked.append(key)
                continue
            try:
                pass_time(entry, now_ms)
                if self._singly:
                    self._encode(entry)
            except Exception as error:  # noqa: BLE001 - parked
                self._set_aside(_STATE, "time passed", error, key=_shown(key))
                self.parked.append(key)
                del self._entries[key], self.outputs[told:]

    def _encode(self, entry: _Entry[S]) -> bytes | None:
        state = entry.state
        if state is None:
            return None
        return self._states.header.pack(entry.deadline, entry.applied, self._logic.encode(state))

    def _change(self, entry: _Entry[S], state: S | None) -> None:
        due_ms = None if state is None else self._logic.next_deadline(state)
        entry.state = state
        entry.deadline = NEVER if due_ms is None else due_ms
        entry.touched = True

    def _entry(self, key: bytes | None) -> _Entry[S]:
        if key is None or key.startswith(RESERVED_PREFIX):
            return self._refused(_NO_KEY)
        value = self._states.values.get(key)
        if value is None:
            # A key with a state was checked when it got it.
            if (right := partition_for(key, self._partitions)) != self._partition:
                detail = f"murmur2 puts this key in partition {right}: the producer's partitioner is another one"
                return self._refused(Refusal(reason="wrong_partition", detail=detail))
            entry = _Entry[S](None, NEVER, self._states.header.unapplied)
        else:
            try:
                deadline, applied, body = self._states.header.unpack(value)
                entry = _Entry(self._logic.decode(key, body), deadline, applied)
            except Exception as error:  # noqa: BLE001 - parked: the key's records become dead letters
                return self._refused(self._set_aside(_STATE, "its state was read", error, key=_shown(key)))
        self._entries[key] = entry
        return entry

    def _refused(self, refusal: Refusal) -> _Entry[S]:
        return _Entry(None, NEVER, self._states.header.unapplied, refusal)

    def _apply(self, entry: _Entry[S], topic: str, index: int, record: Record, now_ms: int) -> Refusal | None:
        if NEVER < entry.deadline <= now_ms:
            try:
                self._tick(entry, now_ms)
            except Exception as error:  # noqa: BLE001 - parked: this record becomes a dead letter
                return self._set_aside(_STATE, "what was due was done", error, topic=topic, offset=record.offset)
        try:
            folded = self._logic.fold(entry.state, topic, record, now_ms, self._rules)
            state, refusal = folded.state, folded.refusal
            if refusal is None and state is not entry.state:
                self._change(entry, state)
        except Exception as error:  # noqa: BLE001 - parked: this record becomes a dead letter
            return self._set_aside(_FOLD, "it was folded", error, topic=topic, offset=record.offset)
        if refusal is not None:
            return refusal
        if state is not None or entry.touched:
            entry.applied[index] = record.offset
            entry.touched = True
        if folded.outputs:
            self.outputs.extend(folded.outputs)
        return None

    def _apply_singly(self, entry: _Entry[S], topic: str, index: int, record: Record, now_ms: int) -> Refusal | None:
        before, told = (entry.state, entry.deadline, [*entry.applied], entry.touched), len(self.outputs)
        refusal = self._apply(entry, topic, index, record, now_ms)
        try:
            self._encode(entry)
        except Exception as error:  # noqa: BLE001 - parked: this record becomes a dead letter
            entry.state, entry.deadline, entry.applied, entry.touched = before
            del self.outputs[told:]
            return self._set_aside(_STATE, "its state was written", error, topic=topic, offset=record.offset)
        return refusal

    def _tick_due(self, entry: _Entry[S], now_ms: int) -> None:
        if NEVER < entry.deadline <= now_ms:
            self._tick(entry, now_ms)

    def _tick(self, entry: _Entry[S], now_ms: int) -> None:
        if entry.state is not None:
            after, outputs = self._logic.tick(entry.state, now_ms, self._rules)
            self._change(entry, after)
            self.outputs.extend(outputs)

    def _set_aside(self, reason: str, doing: str, error: Exception, **which: object) -> Refusal:
        """Say what raised where, by its type and place alone: the text of an error may quote a payload.

        A key is named only where it has a state: it has passed for one of our own then.
        """
        where = traceback.extract_tb(error.__traceback__)[-1]
        log.warning(
            "engine.set_aside",
            partition=self._partition,
            **which,
            reason=reason,
            error=type(error).__name__,
            where=f"{where.filename}:{where.lineno}",
        )
        return Refusal(reason=reason, detail=f"{type(error).__name__} while {doing}")

    def _refuse(self, refusal: Refusal, batch: Batch, record: Record, passed: int) -> bool:
        after = self.breaker.passed(passed).refuse()
        if after is None:
            self.breaker = self.breaker.passed(passed)
            self.tripped = True
            return False
        self.breaker = after
        self.refused[refusal.reason] += 1
        is_private = batch.topic in self._private_topics
        self.outputs.append(dead_letter(self._dead_letter_topic, refusal, batch, record, is_private=is_private))
        return True


def _shown(key: bytes) -> str:
    return key.decode(errors="backslashreplace")
