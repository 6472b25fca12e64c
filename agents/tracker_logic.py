"""What the tracker hands to the engine: the tracking core, spoken in records.

The adapter decides nothing. It decodes a record, runs `advance`, `tick`, `apply_profile` or
`erase`, and encodes the milestones that come out. It counts what became of records, because
the core may not; a batch that is folded again after a failure is counted again.

An erased client leaves a stub, so that rewound offsets and late events bring nobody back;
only a new profile does.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agents.engine.logic import Folded, Output, Record, Refusal
from schemas.codec import Refused, decode_event, decode_profile
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone, heard_header
from schemas.topics import CLIENTS, EVENTS, MILESTONES, client_key, split_key
from streams.tracking.adopt import apply_profile
from streams.tracking.advance import advance
from streams.tracking.plan import Plan
from streams.tracking.profiles import erase
from streams.tracking.state import State, decode_state, encode_state, stamp_in
from streams.tracking.tick import next_deadline, tick


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerRules:
    """The rulebooks of a process: one by tenant, and the default for every other."""

    default: Plan
    by_tenant: Mapping[str, Plan] = field(default_factory=dict)

    def plan_for(self, tenant: str) -> Plan:
        """The plan that decides for a tenant."""
        return self.by_tenant.get(tenant, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of records since the process started; sampled when metrics are read.

    Attributes:
        outcomes: by topic and outcome (applied, late, duplicate, unused, refused).
        refusals: by reason.
        milestones: by tier and kind (reached, retracted).
        dropped_fields: wrong optional fields that were left out of events, by topic.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    milestones: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped_fields: Counter[str] = field(default_factory=Counter)


_EVENT_OUTCOMES = {outcome: (EVENTS, outcome) for outcome in ("applied", "late", "duplicate", "unused")}


class TrackerLogic:
    """The engine's `Logic` for the topics of events and clients.

    Args:
        domain_ms: the domain instant of a real one, in milliseconds.
    """

    def __init__(self, domain_ms: Callable[[int], int] = int) -> None:
        self.tally = Tally()
        self._outcomes = self.tally.outcomes
        self._domain_ms = domain_ms
        self._appended_ms = self._heard_ms = 0

    def decode(self, key: bytes, body: bytes) -> State:
        """Read a state back."""
        return decode_state(body, key.decode())

    def encode(self, state: State) -> bytes:
        """Write a state compactly."""
        return encode_state(state)

    def fold(self, state: State | None, topic: str, record: Record, now_ms: int, rules: TrackerRules) -> Folded[State]:
        """Apply one record of either topic."""
        try:
            if topic == CLIENTS:
                return self._fold_client(state, record, now_ms, rules)
            return self._fold_event(state, record, now_ms, rules)
        except Refused as refusal:
            return self._refuse(state, topic, refusal)

    def tick(self, state: State, now_ms: int, rules: TrackerRules) -> tuple[State, tuple[Output, ...]]:
        """Apply what has fallen due."""
        tenant, _, client = state.who.partition("/")
        ticked = tick(state, rules.plan_for(tenant), now_ms)
        return ticked.state, self._outputs(client_key(tenant, client), ticked.milestones)

    next_deadline = staticmethod(next_deadline)

    def is_outdated(self, key: bytes, body: bytes, rules: TrackerRules) -> bool:
        """Whether a state was last looked at with another rulebook than its tenant's."""
        tenant = key.partition(b"/")[0].decode()
        return stamp_in(body) != rules.plan_for(tenant).stamp

    def _fold_event(self, state: State | None, record: Record, now_ms: int, rules: TrackerRules) -> Folded[State]:
        event = decode_event(record.headers, record.value)
        if record.key != client_key(event.tenant, event.client):
            raise Refused("wrong_key", "the record's key must be tenantid/subject")
        if record.timestamp != self._appended_ms:  # a producer's batch shares one append time
            self._appended_ms, self._heard_ms = record.timestamp, self._domain_ms(record.timestamp)
        advanced = advance(state, event, rules.plan_for(event.tenant), now_ms, self._heard_ms)
        if advanced.refusal is not None:
            raise advanced.refusal
        self._outcomes[_EVENT_OUTCOMES[advanced.outcome]] += 1
        if event.dropped:
            self.tally.dropped_fields[EVENTS] += len(event.dropped)
        if not advanced.milestones:
            return Folded(state=advanced.state)
        outputs = self._outputs(record.key, advanced.milestones, heard_header(record.timestamp))
        return Folded(state=advanced.state, outputs=outputs)

    def _fold_client(self, state: State | None, record: Record, now_ms: int, rules: TrackerRules) -> Folded[State]:
        try:
            who = "/".join(split_key(record.key or b""))
        except ValueError:
            raise Refused("wrong_key", "the record's key must be tenant/client in UTF-8") from None
        profile = None if record.value is None else decode_profile(record.value)
        plan = rules.plan_for(who.partition("/")[0])
        after = apply_profile(state, profile, who, plan, now_ms) if profile else erase(who, plan, now_ms)
        self.tally.outcomes[CLIENTS, "applied"] += 1
        return Folded(state=after)

    def _refuse(self, state: State | None, topic: str, refusal: Refused) -> Folded[State]:
        self.tally.outcomes[topic, "refused"] += 1
        self.tally.refusals[refusal.reason] += 1
        return Folded(state=state, refusal=Refusal(reason=refusal.reason, detail=refusal.detail))

    def _outputs(
        self, key: bytes | None, milestones: tuple[Milestone, ...], *more: tuple[str, bytes]
    ) -> tuple[Output, ...]:
        outputs = []
        for milestone in milestones:
            value, headers = encode_milestone(milestone)
            outputs.append(Output(topic=MILESTONES, key=key, value=value, headers=(*headers, *more)))
            self.tally.milestones[milestone.tier, milestone.type.removeprefix("milestone.")] += 1
        return tuple(outputs)
