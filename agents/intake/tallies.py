"""Tallies: what was heard of each source since it was last told to Postgres, in memory.

It must never hold a text of a tool's or a client's: a reason is a short code of ours. Its size is
bounded by the number of sources and by `_MOST_HOURS`, however long the database is away.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agents.intake.served import Key

NOT_A_FAULT = frozenset({"unknown_action"})
"""Reasons by which a source is still well: it says something that we do not translate."""

_MOST_HOURS = 8 * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was heard of one source; real times.

    Attributes:
        failure: the reason of the last failure, a short code.
        trial_id: of the last trial that `cairn connect` sent.
        hours: how many were accepted and how many failed, by the hour's beginning.
    """

    heard_at: datetime | None = None
    accepted_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    tried_at: datetime | None = None
    trial_id: str | None = None
    hours: Mapping[datetime, tuple[int, int]] = field(default_factory=dict)

    def followed_by(self, later: "Tally") -> "Tally":
        """Both, the later one's times first."""
        hours = dict(self.hours)
        for hour, (accepted, failed) in later.hours.items():
            before = hours.get(hour, (0, 0))
            hours[hour] = (before[0] + accepted, before[1] + failed)
        kept = sorted(hours)[-_MOST_HOURS:]
        has_failed, is_tried = later.failed_at is not None, later.tried_at is not None
        return Tally(
            heard_at=later.heard_at or self.heard_at,
            accepted_at=later.accepted_at or self.accepted_at,
            failed_at=later.failed_at if has_failed else self.failed_at,
            failure=later.failure if has_failed else self.failure,
            tried_at=later.tried_at if is_tried else self.tried_at,
            trial_id=later.trial_id if is_tried else self.trial_id,
            hours={hour: hours[hour] for hour in kept},
        )


class _Pending:
    """A tally that still grows: a hook costs it some assignments and no copy."""

    __slots__ = ("accepted_at", "failed_at", "failure", "heard_at", "hours", "trial_id", "tried_at")

    def __init__(self, before: Tally) -> None:
        self.heard_at, self.accepted_at = before.heard_at, before.accepted_at
        self.failed_at, self.failure = before.failed_at, before.failure
        self.tried_at, self.trial_id = before.tried_at, before.trial_id
        self.hours = dict(before.hours)

    def count(self, now: datetime, accepted: int, failed: int) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        before = self.hours.get(hour, (0, 0))
        self.hours[hour] = (before[0] + accepted, before[1] + failed)

    def as_tally(self) -> Tally:
        return Tally(**{name: getattr(self, name) for name in self.__slots__})


class Tallies:
    """Takes what is heard, and gives it away in one piece.

    Attributes:
        is_urgent: set when somebody waits for what was heard, as `cairn connect` does for its trial.
    """

    def __init__(self) -> None:
        self._pending: dict[Key, _Pending] = {}
        self.is_urgent = asyncio.Event()

    def heard(self, tenant: str, source: str) -> None:
        """The source spoke: a hook that verifies, or an answer to a poll."""
        self._of(tenant, source).heard_at = datetime.now(UTC)

    def accepted(self, tenant: str, source: str) -> None:
        """What it said was taken in."""
        pending = self._of(tenant, source)
        pending.accepted_at = now = datetime.now(UTC)
        pending.count(now, 1, 0)

    def failed(self, tenant: str, source: str, reason: str) -> None:
        """What it said could not be used, or it did not answer; `reason` is a code of ours."""
        pending, now = self._of(tenant, source), datetime.now(UTC)
        pending.count(now, 0, 1)
        if reason not in NOT_A_FAULT:
            pending.failed_at, pending.failure = now, reason

    def tried(self, tenant: str, source: str, trial_id: str) -> None:
        """A trial of ours came the way that its hooks come."""
        pending = self._of(tenant, source)
        pending.tried_at, pending.trial_id = datetime.now(UTC), trial_id
        self.is_urgent.set()

    def take(self) -> Sequence[tuple[Key, Tally]]:
        """All tallies by tenant and source, in order; afterwards there are none."""
        taken, self._pending = self._pending, {}
        self.is_urgent.clear()
        return [(key, taken[key].as_tally()) for key in sorted(taken)]

    def give_back(self, taken: Sequence[tuple[Key, Tally]]) -> None:
        """What was taken could not be told: it is kept, before what came since."""
        for key, tally in taken:
            self._pending[key] = _Pending(tally.followed_by(self._of(*key).as_tally()))

    def _of(self, tenant: str, source: str) -> _Pending:
        key = (tenant, source)
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = _Pending(Tally())
        return pending
