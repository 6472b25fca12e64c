"""Rows that hurt the mail server, or kill delivery in the middle of a conversation with it."""

import asyncio
import time
from functools import partial

from tests.chaos.mail_sink import ACCEPT_THEN_DROP, Point
from tests.chaos.row import Row
from tests.chaos.scene import BACK_SECONDS, Scene
from tests.integration.channels.scripted_smtp import DROP, HANG

_FAULT_SECONDS = 8.0
_LIVE = {"live_share": 0.2}
POINTS: tuple[Point, ...] = ("before DATA", "after DATA", "after 250")


async def answer(scene: Scene, **answers: str) -> None:
    """The server answers otherwise for a while."""
    mail = scene.world.mail
    async for _ in scene.each_cycle():
        mail.answers.update(answers)
        await asyncio.sleep(_FAULT_SECONDS)
        mail.answers.clear()
        await mail.hang_up()
        await asyncio.sleep(2)


async def down(scene: Scene) -> None:
    """Nobody listens for a while."""
    async for _ in scene.each_cycle():
        await scene.world.mail.stop()
        await asyncio.sleep(_FAULT_SECONDS)
        await scene.world.mail.start()
        await asyncio.sleep(2)


async def kill_in_conversation(scene: Scene) -> None:
    """SIGKILL before DATA, after the mail was read, and after it was accepted."""
    mail = scene.world.mail
    async for cycle in scene.each_cycle():
        await scene.deliveries.ready()
        mail.set_trap(POINTS[cycle % len(POINTS)], scene.deliveries.killer(scene.deliveries.members[0]))
        while mail.is_set:  # noqa: ASYNC110 - under load this takes a moment
            await asyncio.sleep(0.01)
        at = time.monotonic()
        await scene.bury_sender()
        await scene.delivery_back(at)


def _answers(name: str, injects: str, **answers: str) -> Row:
    return Row(name=name, injects=injects, play=partial(answer, **answers), load=_LIVE)


ROWS = (
    Row(
        name="smtp-kill",
        injects="SIGKILL of delivery before DATA, after DATA and after 250",
        expects="what was read or accepted and not written down is unknown, and is not sent again",
        play=kill_in_conversation,
        cycles=3,
        long_cycles=18,
        back_seconds=BACK_SECONDS,
        load=_LIVE,
    ),
    Row(name="smtp-down", injects="the mail server is away for 8 s", play=down, load=_LIVE),
    _answers("smtp-421", "421 to every greeting for 8 s", GREETING="421 4.3.2 come back later"),
    _answers("smtp-451", "451 to every mail for 8 s", BODY="451 4.3.0 not now"),
    _answers("smtp-552", "552 to every mail for 8 s", BODY="552 5.3.4 too big"),
    _answers("smtp-hang", "no answer to any mail for 8 s, then the connection ends", BODY=HANG),
    _answers("smtp-accept-drop", "every mail is accepted, and the connection ends unanswered", BODY=ACCEPT_THEN_DROP),
    _answers("smtp-drop", "every mail is read and lost, and the connection ends unanswered", BODY=DROP),
)
