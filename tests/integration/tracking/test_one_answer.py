"""The same milestones, ids and facts included, whether a log is folded at once or in any batches."""

from collections import defaultdict
from random import Random
from typing import NamedTuple

import msgspec
import pytest

from agents.engine.batch import Batch
from agents.engine.bookmark import Bookmark
from agents.engine.breaker import Breaker
from agents.engine.folding import Folding
from agents.engine.header import Header
from agents.engine.partitioner import partition_for
from agents.engine.store import PartitionStates
from agents.log_lines import read_lines
from agents.tenants import STARTER_RULEBOOK
from agents.tracker_logic import TrackerLogic, TrackerRules
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone
from schemas.rulebook import load_rulebook
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, MILESTONES
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.replay import RefusedLine, replay
from tests.integration.tracking.practice import BEGIN, END, RULEBOOK, TENANTS, Arrival, arrivals, profiles

CLIENTS_EACH = 14
PARTITIONS = 3
EVERYTHING = compile_rulebook(load_rulebook(RULEBOOK, "everything.yaml"))
STARTER = compile_rulebook(load_rulebook(STARTER_RULEBOOK.read_text(encoding="utf-8"), "starter.yaml"))
RULES = TrackerRules(default=STARTER, by_tenant=dict.fromkeys(TENANTS[:-1], EVERYTHING))
PROFILES = profiles(CLIENTS_EACH)

Told = dict[bytes, list[bytes]]
"""What was published of each client, in order."""


class Appended(NamedTuple):
    """A record in a partition."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    timestamp_type: int = 1
    headers: tuple[tuple[str, bytes], ...] = ()


def at_once(log: list[Arrival]) -> Told:
    """What `cairn replay` folds, tenant by tenant, as each has a rulebook of its own."""
    told: Told = defaultdict(list)
    for tenant in TENANTS:
        lines = read_lines(each.line for each in log if each.wire["tenantid"] == tenant)
        known = {who: Profile.model_validate(fields) for who, fields in PROFILES.items() if who.startswith(tenant)}
        for found in replay(lines, RULES.plan_for(tenant), profiles=known, until_ms=to_ms(END)):
            if isinstance(found, RefusedLine):
                assert found.refusal.reason == "time_in_future"
            else:
                told[f"{tenant}/{found.client}".encode()].append(encode_milestone(found)[0])
    return told


class Partition:
    """One partition as the engine holds it: encoded states alone live from one batch to the next."""

    def __init__(self, number: int, rng: Random) -> None:
        self.number = number
        self.states = PartitionStates(Header(2))
        self.told: list[tuple[bytes, bytes]] = []
        self._rng = rng
        self._next = {CLIENTS: 0, EVENTS: 0}

    def take(self, topic: str, records: list[Appended]) -> None:
        """Fold records in batches of any size, with looks at what is due in between."""
        while records:
            size = self._rng.choice([1, 2, 7, 50, 300])
            self._tick(records[0].timestamp - self._rng.choice([0, 0, 3_600_000]))
            self._fold(topic, records[:size])
            records = records[size:]

    def end(self) -> None:
        self._tick(to_ms(END))

    def _tick(self, now_ms: int) -> None:
        while keys := self.states.deadlines.due(now_ms, self._rng.choice([1, 5, 500])):
            folding = self._folding()
            folding.tick(keys, now_ms)
            self._commit(folding)

    def _fold(self, topic: str, records: list[Appended]) -> None:
        start, end = records[0].offset, records[-1].offset + 1
        folding = self._folding()
        batch = Batch(topic=topic, partition=self.number, start=start, end=end, records=records)
        folding.fold(batch, lambda record: record.timestamp)
        self._next[topic] = end
        if self._rng.random() < 0.1:  # killed before it committed, and folded again
            folding = self._folding()
            folding.fold(batch, lambda record: record.timestamp)
        self._commit(folding)

    def _folding(self) -> Folding[object, TrackerRules]:
        return Folding(
            partition=self.number, partitions=PARTITIONS, topics=(CLIENTS, EVENTS), states=self.states,
            logic=TrackerLogic(), rules=RULES, breaker=Breaker(), dead_letter_topic=DEAD_LETTERS,
        )  # fmt: skip

    def _commit(self, folding: Folding[object, TrackerRules]) -> None:
        bookmark = Bookmark(partitions=PARTITIONS, next_offsets=dict(self._next))
        self.states.changed(folding.changes(), bookmark, 0)
        for output in folding.outputs:
            if output.topic == MILESTONES:
                self.told.append((output.key or b"", output.value or b""))


def in_batches(log: list[Arrival], seed: int) -> Told:
    rng = Random(seed)  # noqa: S311 - seeded
    partitions = [Partition(number, rng) for number in range(PARTITIONS)]
    known = [(who.encode(), to_ms(BEGIN), msgspec.json.encode(fields)) for who, fields in PROFILES.items()]
    events = [(each.key, to_ms(each.at), each.value) for each in log]
    for topic, sent in ((CLIENTS, known), (EVENTS, events)):
        for partition in partitions:
            own = [record for record in sent if partition_for(record[0], PARTITIONS) == partition.number]
            records = [Appended(n, at_ms, key, value) for n, (key, at_ms, value) in enumerate(own)]
            partition.take(topic, records)
    told: Told = defaultdict(list)
    for partition in partitions:
        partition.end()
        for key, value in partition.told:
            told[key].append(value)
    return told


@pytest.mark.parametrize("seed", range(3))
def test_any_batches_say_what_one_replay_says(seed: int) -> None:
    log = arrivals(CLIENTS_EACH, seed)
    assert len(log) > 4_000
    expected = at_once(log)
    said = in_batches(log, seed)
    assert expected.keys() == said.keys()
    for key, milestones in expected.items():
        assert said[key] == milestones, key


def test_the_log_makes_every_rule_speak() -> None:
    lines = read_lines(each.line for each in arrivals(CLIENTS_EACH, 0) if each.wire["tenantid"] == TENANTS[0])
    known = {who: Profile.model_validate(fields) for who, fields in PROFILES.items() if who.startswith(TENANTS[0])}
    found = [each for each in replay(lines, EVERYTHING, profiles=known) if isinstance(each, Milestone)]
    assert {each.rule for each in found} == {rule.id for rule in load_rulebook(RULEBOOK, "everything.yaml").rules}
    assert {each.type for each in found} == {"milestone.reached", "milestone.retracted"}
