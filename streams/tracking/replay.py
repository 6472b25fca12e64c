"""Replay: a log of events folded in the order of arrival, as the service folds it.

`now` of a line is the largest of the previous `now` and the line's `receivedat`, or without
one its own `time`. What is due by then fires before the line, for all clients, in the order
in which it is due. The fold is pure: it reads no file and prints nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from schemas.client import Profile
from schemas.event import Event
from schemas.milestone import Milestone
from schemas.refusal import Refused
from streams.tracking.adopt import apply_profile
from streams.tracking.advance import Advanced, advance
from streams.tracking.instants import to_ms
from streams.tracking.plan import Plan
from streams.tracking.state import State
from streams.tracking.tick import next_deadline, tick

Line = tuple[int, Event | Refused]
"""A line's number, and the event that it holds or why it holds none."""


class RefusedLine(NamedTuple):
    """A line that was not folded, and why."""

    number: int
    refusal: Refused


def replay(
    lines: Iterable[Line], plan: Plan, *, profiles: Mapping[str, Profile], until_ms: int | None = None
) -> Iterator[Milestone | RefusedLine]:
    """The milestones and refusals of a log, in order.

    Args:
        lines: in the order of arrival.
        plan: the rulebook, compiled.
        profiles: by `tenant/client`, as they were known from the beginning.
        until_ms: the fold ends here, and what is due by then fires; later lines are not folded.
    """
    fold = _Fold(plan, profiles)
    for number, event in lines:
        if isinstance(event, Refused):
            yield RefusedLine(number, event)
            continue
        now_ms = fold.reach(to_ms(event.received_at or event.occurred_at))
        if until_ms is not None and now_ms > until_ms:
            break
        yield from fold.fire(now_ms)
        advanced = fold.apply(event, now_ms)
        if advanced.refusal is not None:
            yield RefusedLine(number, advanced.refusal)
        yield from advanced.milestones
    if until_ms is not None:
        fold.reach(until_ms)
        yield from fold.fire(until_ms)


class _Fold:
    """The states of a log's clients, and what falls due among them."""

    def __init__(self, plan: Plan, profiles: Mapping[str, Profile]) -> None:
        self._plan = plan
        self._profiles = profiles
        self._states: dict[str, State] = {}
        self._due: list[tuple[int, str]] = []
        self._now_ms: int | None = None

    def reach(self, ms: int) -> int:
        """The clock, set forward to an instant; profiles are known from the first on."""
        if self._now_ms is None:
            self._now_ms = ms
            for who, profile in self._profiles.items():
                self._keep(who, None, apply_profile(None, profile, who, self._plan, ms))
        self._now_ms = max(self._now_ms, ms)
        return self._now_ms

    def apply(self, event: Event, now_ms: int) -> Advanced:
        """What an event does."""
        who = f"{event.tenant}/{event.client}"
        known = self._states.get(who)
        advanced = advance(known, event, self._plan, now_ms)
        if advanced.refusal is None and advanced.state is not known:
            self._keep(who, known, advanced.state)
        return advanced

    def fire(self, now_ms: int) -> Iterator[Milestone]:
        """Everything due by `now_ms`, the earliest first; a deadline that has moved is skipped."""
        while self._due and self._due[0][0] <= now_ms:
            due_ms, who = heappop(self._due)
            known = self._states[who]
            if next_deadline(known) == due_ms:
                ticked = tick(known, self._plan, due_ms)
                self._keep(who, None, ticked.state)
                yield from ticked.milestones

    def _keep(self, who: str, before: State | None, after: State) -> None:
        self._states[who] = after
        deadline = next_deadline(after)
        if deadline is not None and (before is None or next_deadline(before) != deadline):
            heappush(self._due, (deadline, who))
