from datetime import UTC, datetime, timedelta

from demo.play import play
from demo.practice import build_practice
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep, Step
from demo.tempo import Tempo
from demo.vendors.post import HookRefused

PRACTICE = build_practice(clients=6, days=20)


class _Noted:
    """Tools that only note what they are told, and refuse what they are asked to refuse."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.steps: list[Step] = []
        self._refused = refused

    async def change_appointment(self, step: AppointmentStep) -> int:
        self.steps.append(step)
        return step.copies * len(step.actions)

    async def post_message(self, step: MessageStep) -> int:
        if step.message_id in self._refused:
            raise HookRefused("8 attempts")
        self.steps.append(step)
        return step.copies + 1

    def keep_check(self, step: CheckStep) -> None:
        self.steps.append(step)

    async def wish(self, step: QuietStep | LeaveStep) -> None:
        self.steps.append(step)


def _past() -> Tempo:
    """A calendar that has already ended, so that nothing is waited for."""
    return Tempo(
        first_at=PRACTICE.first_at,
        until=PRACTICE.until,
        start_at=datetime.now(UTC) - timedelta(seconds=60),
        real_seconds=10.0,
    )


async def test_every_step_is_played_once() -> None:
    tools = _Noted()
    await play(PRACTICE.steps, _past(), tools, lambda _: None)
    assert sorted(map(str, tools.steps)) == sorted(map(str, PRACTICE.steps))


async def test_a_hook_that_was_sent_again_counts_as_one_hook_and_more_requests() -> None:
    messages = [step for step in PRACTICE.steps if isinstance(step, MessageStep)]
    sent = await play(messages, _past(), _Noted(), lambda _: None)
    assert sent.hooks == sum(step.copies for step in messages)
    assert sent.requests == sent.hooks + len(messages)


async def test_a_hook_that_a_tool_gives_up_on_is_named() -> None:
    messages = [step for step in PRACTICE.steps if isinstance(step, MessageStep)]
    tools = _Noted(frozenset({messages[0].message_id}))
    sent = await play(messages, _past(), tools, lambda _: None)
    assert len(sent.faults) == 1
    assert "MessageStep" in sent.faults[0]
    assert len(tools.steps) == len(messages) - 1


async def test_the_view_follows_in_time_order() -> None:
    seen: list[datetime] = []
    await play(PRACTICE.steps, _past(), _Noted(), lambda step: seen.append(step.at))
    assert seen == sorted(seen)
    assert len(seen) == len(PRACTICE.steps)
