"""A verdict: what was found of a row, in numbers, and which of them break a promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the checker found of the clients of one row, or of all.

    Attributes:
        events: records on the events topic.
        unacknowledged: records that the broker acknowledged and that are not there, or the reverse.
        expected: milestones.
        found: of those expected.
        missing: expected and not there.
        duplicated: copies of a milestone beyond the first.
        wrong: milestones that nothing leads to, or that were taken back.
        states: clients whose state was compared.
        wrong_states: those whose counted sessions or checked days are not those of the events.
        dead_letters: records set aside.
        wrong_dead_letters: broken records not set aside, set aside twice, or whole records set aside.
        celebrations: milestones with an answer.
        uncelebrated: milestones without one.
        celebrated_twice: answers beyond the first of a milestone, in the ledger and in the inbox.
        mails: accepted by the mail server.
        mailed_twice: accepted a second time.
        mailed_erased: sent to people who had been erased.
        wrong_deliveries: called sent and never accepted, accepted and not called sent, never finished, or
            skipped although nobody erased the client.
        unknown: deliveries of which nobody knows whether they arrived.
        injected_unknown: mails whose answer was withheld.
        wrong_unknown: unknown without a cause, or a withheld answer that is not called unknown.
    """

    events: int = 0
    unacknowledged: int = 0
    expected: int = 0
    found: int = 0
    missing: int = 0
    duplicated: int = 0
    wrong: int = 0
    states: int = 0
    wrong_states: int = 0
    dead_letters: int = 0
    wrong_dead_letters: int = 0
    celebrations: int = 0
    uncelebrated: int = 0
    celebrated_twice: int = 0
    mails: int = 0
    mailed_twice: int = 0
    mailed_erased: int = 0
    wrong_deliveries: int = 0
    unknown: int = 0
    injected_unknown: int = 0
    wrong_unknown: int = 0
    examples: tuple[str, ...] = field(default=())

    @property
    def breaches(self) -> Mapping[str, int]:
        """Every number that must be 0 and is not."""
        return {name: getattr(self, name) for name in BREACHES if getattr(self, name)}

    @property
    def numbers(self) -> dict[str, int]:
        """All numbers, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "examples"}


BREACHES = (
    "unacknowledged",
    "missing",
    "duplicated",
    "wrong",
    "wrong_states",
    "wrong_dead_letters",
    "uncelebrated",
    "celebrated_twice",
    "mailed_twice",
    "mailed_erased",
    "wrong_deliveries",
    "wrong_unknown",
)
