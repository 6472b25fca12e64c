"""The short form of `make chaos`: kills, a zombie and broken conversations under load, judged by the same checker."""

import asyncio
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.chaos import play, world
from tests.chaos.row import Row
from tests.chaos.rows import mail, trackers
from tests.chaos.scene import Scene

_EVENTS_PER_SECOND = 1_500.0


async def _trackers(scene: Scene) -> None:
    """One is killed, and one sleeps through its session."""
    await trackers.kill(replace(scene, cycles=1))
    await trackers.stop_beyond_session(replace(scene, cycles=1))


async def _at_once(scene: Scene) -> None:
    """What hurts the trackers and what hurts delivery, each at its own pace."""
    await asyncio.gather(_trackers(scene), mail.kill_in_conversation(scene))


SHORT = Row(name="short", injects="kills, a zombie, broken conversations", play=_at_once, load={"live_share": 0.2})


async def test_kills_and_a_zombie_under_load_lose_double_and_miscount_nothing(tmp_path: Path) -> None:
    async with world.opened(tmp_path, Console(quiet=True)) as around, play.opened(around) as theatre:
        outcome = await theatre.play(SHORT, seed=1, rate=_EVENTS_PER_SECOND, cycles=len(mail.POINTS), tell=print)
        everything = await theatre.judge_all()
    assert outcome.verdict is not None
    assert outcome.verdict.breaches == everything.breaches == {}, outcome
    assert outcome.complaints == ()
    assert outcome.verdict.found > 500
    assert outcome.verdict.mails > 100
    assert outcome.verdict.unknown == outcome.verdict.injected_unknown >= 2, "after DATA, and after 250"
