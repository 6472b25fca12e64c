"""The play: sends each step at its moment of the scaled calendar, as the tools would.

Steps go out in time order and overlap as they do in life; a bounded number is on the way at
once. It must never slow the calendar down: who is late is late, and the report shows it. Checks
that wait for a pull are told to their tool before the play: it shows each from its moment on, so
that a play that is late makes no gap in a list that was read already.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from demo.hands import HandsFailedError
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep, Step
from demo.tempo import Tempo
from demo.vendors.post import HookRefused

_ON_THE_WAY = 200


class Tools(Protocol):
    """The practice's tools: each changes what it knows and tells Cairn in its own way."""

    async def change_appointment(self, step: AppointmentStep) -> int:
        """Keep the appointment's new state and fire its hooks; returns the number of requests."""
        ...

    async def post_message(self, step: MessageStep) -> int:
        """Post a Standard Webhook; returns the number of requests."""
        ...

    def keep_check(self, step: CheckStep) -> None:
        """Keep a check, which the tracker's list has from its moment on, until the daily pull asks for it."""
        ...

    async def wish(self, step: QuietStep | LeaveStep) -> None:
        """Tell Cairn the wish of a coach or a client."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent.

    Attributes:
        hooks: all copies, each counted once.
        requests: with those that a tool had to send again.
        faults: what could not be sent or done, in words.
    """

    hooks: int = 0
    requests: int = 0
    faults: tuple[str, ...] = ()


async def play(steps: Iterable[Step], tempo: Tempo, tools: Tools, on_step: Callable[[Step], None]) -> Sent:
    """Play all steps, then let the calendar run to its end."""
    steps = list(steps)
    for step in steps:
        if isinstance(step, CheckStep):
            tools.keep_check(step)
    slots = asyncio.Semaphore(_ON_THE_WAY)
    sending: list[asyncio.Task[Sent]] = []
    async with asyncio.TaskGroup() as group:
        for step in steps:
            await _until(tempo.real_at(step.at))
            if not isinstance(step, CheckStep):
                await slots.acquire()
                sending.append(group.create_task(_send(step, tools, slots)))
            on_step(step)
    await _until(tempo.end_at)
    sent = [task.result() for task in sending]
    return Sent(
        hooks=sum(one.hooks for one in sent),
        requests=sum(one.requests for one in sent),
        faults=tuple(fault for one in sent for fault in one.faults),
    )


async def _send(
    step: AppointmentStep | MessageStep | QuietStep | LeaveStep, tools: Tools, slots: asyncio.Semaphore
) -> Sent:
    try:
        if isinstance(step, AppointmentStep):
            return Sent(hooks=step.copies * len(step.actions), requests=await tools.change_appointment(step))
        if isinstance(step, MessageStep):
            return Sent(hooks=step.copies, requests=await tools.post_message(step))
        await tools.wish(step)
    except (HookRefused, HandsFailedError) as error:
        return Sent(faults=(f"{type(step).__name__} at {step.at:%d %b %H:%M}: {error}",))
    finally:
        slots.release()
    return Sent()


async def _until(real_at: datetime) -> None:
    await asyncio.sleep(max(0.0, (real_at - datetime.now(UTC)).total_seconds()))
