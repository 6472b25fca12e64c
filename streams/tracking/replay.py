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
from streams.tracking.advance import advance
from streams.tracking.instants import to_ms
from streams.tracking.plan import Plan
from streams.tracking.profiles import apply_profile
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
    states = {who: apply_profile(None, profile, who) for who, profile in profiles.items()}
    due: list[tuple[int, str]] = []
    now_ms = -(2**62)
    for number, event in lines:
        if isinstance(event, Refused):
            yield RefusedLine(number, event)
            continue
        now_ms = max(now_ms, to_ms(event.received_at or event.occurred_at))
        if until_ms is not None and now_ms > until_ms:
            break
        if due and due[0][0] <= now_ms:
            yield from _fire(states, due, plan, now_ms)
        who = f"{event.tenant}/{event.client}"
        known = states.get(who)
        advanced = advance(known, event, plan, now_ms)
        if advanced.refusal is not None:
            yield RefusedLine(number, advanced.refusal)
            continue
        states[who] = advanced.state
        yield from advanced.milestones
        if known is None or advanced.state.bookings is not known.bookings:
            _remember(due, who, advanced.state)
    if until_ms is not None:
        yield from _fire(states, due, plan, until_ms)


def _fire(states: dict[str, State], due: list[tuple[int, str]], plan: Plan, now_ms: int) -> Iterator[Milestone]:
    """Everything due by `now_ms`, the earliest first; a deadline that has moved is skipped."""
    while due and due[0][0] <= now_ms:
        due_ms, who = heappop(due)
        if next_deadline(states[who]) != due_ms:
            continue
        ticked = tick(states[who], plan, due_ms)
        states[who] = ticked.state
        yield from ticked.milestones
        _remember(due, who, ticked.state)


def _remember(due: list[tuple[int, str]], who: str, state: State) -> None:
    deadline = next_deadline(state)
    if deadline is not None:
        heappush(due, (deadline, who))
