"""The play: sends each step at its moment of the scaled calendar, as the tools would.

Steps go out in time order and overlap as they do in life; a bounded number is on the way at
once. It must never slow the calendar down: who is late is late, and the report shows it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from demo.hands import HandsFailedError
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep, Step
from demo.tempo import Tempo
from demo.vendors.post import HookRefused

_ON_THE_WAY = 48


class Tools(Protocol):
    """The practice's tools: each changes what it knows and tells Cairn in its own way."""

    async def change_appointment(self, step: AppointmentStep) -> int:
        """Keep the appointment's new state and fire its hooks; returns the number of requests."""
        ...

    async def post_message(self, step: MessageStep) -> int:
        """Post a Standard Webhook; returns the number of requests."""
        ...

    def keep_check(self, step: CheckStep) -> None:
        """Keep a check until the daily pull asks for it."""
        ...

    async def wish(self, step: QuietStep | LeaveStep) -> None:
        """Tell Cairn the wish of a coach or a client."""
        ...


@dataclass(slots=True, kw_only=True)
class Sent:
    """What the play has sent so far.

    Attributes:
        hooks: all copies, each counted once.
        requests: with those that a tool had to send again.
        faults: what could not be sent or done, in words.
    """

    hooks: int = 0
    requests: int = 0
    faults: list[str] = field(default_factory=list)


async def play(steps: Iterable[Step], tempo: Tempo, tools: Tools, on_step: Callable[[Step], None]) -> Sent:
    """Play all steps, then let the calendar run to its end."""
    slots = asyncio.Semaphore(_ON_THE_WAY)
    sent = Sent()
    async with asyncio.TaskGroup() as group:
        for step in steps:
            await _until(tempo.real_at(step.at))
            await slots.acquire()
            group.create_task(_send(step, tools, slots, sent))
            on_step(step)
    await _until(tempo.end_at)
    return sent


async def _send(step: Step, tools: Tools, slots: asyncio.Semaphore, sent: Sent) -> None:
    try:
        if isinstance(step, AppointmentStep):
            sent.hooks += step.copies * len(step.actions)
            sent.requests += await tools.change_appointment(step)
        elif isinstance(step, MessageStep):
            sent.hooks += step.copies
            sent.requests += await tools.post_message(step)
        elif isinstance(step, CheckStep):
            tools.keep_check(step)
        else:
            await tools.wish(step)
    except (HookRefused, HandsFailedError) as error:
        sent.faults.append(f"{type(step).__name__} at {step.at:%d %b %H:%M}: {error}")
    finally:
        slots.release()


async def _until(real_at: datetime) -> None:
    await asyncio.sleep(max(0.0, (real_at - datetime.now(UTC)).total_seconds()))
