"""The reference: the milestones that the log must lead to, and how a peer's milestones differ from them.

`streams.tracking.replay` folds the same bytes in the same order. Every milestone of this log is caused by an
event, so those of a peer that read only a part of the log are compared with those caused in that part.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from schemas.codec import decode_event
from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone
from schemas.rulebook import load_rulebook
from streams.tracking.compiling import compile_rulebook
from streams.tracking.replay import RefusedLine, replay
from tests.benchmarks.load import RULEBOOK, Sent, position
from tests.benchmarks.stage import HEADERS

Identity = tuple[str, int, str]
"""What a subscriber keys on, and whether it was reached or retracted."""

Content = bytes
"""A hash of all that a milestone says, whatever order its fields are written in."""

Reference = Mapping[Identity, tuple[tuple[int, int], Content]]
"""Each milestone of the log, with the partition and offset of its cause, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a peer got wrong in the part of the log that it committed.

    Attributes:
        wrong: milestones that the reference does not have, or of which something else is said.
    """

    expected: int
    missing: int
    duplicated: int
    wrong: int

    @property
    def is_none(self) -> bool:
        """Whether the peer did the same work as the reference, and at least some."""
        return bool(self.expected) and not (self.missing or self.duplicated or self.wrong)

    @property
    def text(self) -> str:
        """The verdict in a table's cell."""
        if self.is_none:
            return f"all {self.expected:,}"
        return f"of {self.expected:,}: {self.missing:,} missing, {self.duplicated:,} double, {self.wrong:,} wrong"


def of(log: Iterable[Sent]) -> Reference:
    """The milestones of a log under the rulebook of the bench.

    Raises:
        ValueError: the log is not what it should be: a line of it was refused.
    """
    plan = compile_rulebook(load_rulebook(RULEBOOK.read_text(), str(RULEBOOK)))
    events = ((number, decode_event(HEADERS, sent.value)) for number, sent in enumerate(log, 1))
    reference: dict[Identity, tuple[tuple[int, int], Content]] = {}
    for milestone in replay(events, plan, profiles={}):
        if isinstance(milestone, RefusedLine) or milestone.caused_by is None:
            raise ValueError(f"the bench's log does not hold up: {milestone}")
        reference[identity(milestone)] = position(milestone.caused_by), content(milestone)
    return reference


def identity(milestone: Milestone) -> Identity:
    """What two copies of a milestone share."""
    return milestone.milestone_id, milestone.revision, milestone.type


def content(milestone: Milestone) -> Content:
    """What two copies of a milestone share besides: name, value, time, facts and all."""
    return blake2b(encode_milestone(milestone)[0], digest_size=8).digest()


def compare(reference: Reference, found: Iterable[Milestone], committed: Mapping[int, int]) -> Difference:
    """How the milestones found differ from the reference.

    Args:
        reference: the milestones of the whole log.
        found: what the peer published.
        committed: the offsets up to which the peer says that it is done, by partition.
    """

    def is_done(cause: tuple[int, int]) -> bool:
        return cause[1] < committed.get(cause[0], 0)

    expected = {(one, said) for one, (cause, said) in reference.items() if is_done(cause)}
    done = (one for one in found if one.caused_by and is_done(position(one.caused_by)))
    counted = Counter((identity(one), content(one)) for one in done)
    return Difference(
        expected=len(expected),
        missing=len(expected - counted.keys()),
        duplicated=sum(count - 1 for count in counted.values()),
        wrong=len(counted.keys() - expected),
    )
