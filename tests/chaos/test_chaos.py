"""The short form of `make chaos`: kills, a zombie and broken conversations under load, judged by the same checker."""

import asyncio
from pathlib import Path

from rich.console import Console

from tests.chaos import play, world
from tests.chaos.row import Row
from tests.chaos.rows import mail, trackers
from tests.chaos.scene import Scene

_EVENTS_PER_SECOND = 1_500.0


async def _at_once(scene: Scene) -> None:
    """Trackers are killed while delivery is, each at its own pace."""
    await asyncio.gather(trackers.kill(scene), mail.kill_in_conversation(scene))


KILLS = Row(
    name="kills", injects="SIGKILL of trackers, and of delivery amid mails", play=_at_once, load={"live_share": 0.2}
)
ZOMBIE = Row(name="zombie", injects="SIGSTOP beyond the session", play=trackers.stop_beyond_session)


async def test_kills_and_a_zombie_under_load_lose_double_and_miscount_nothing(tmp_path: Path) -> None:
    async with world.opened(tmp_path, Console(quiet=True)) as around, play.opened(around) as theatre:
        for row, cycles in ((KILLS, 3), (ZOMBIE, 1)):
            outcome = await theatre.play(row, seed=1, rate=_EVENTS_PER_SECOND, cycles=cycles, tell=print)
            assert outcome.verdict is not None
            assert outcome.verdict.breaches == {}, outcome
            assert outcome.complaints == ()
            assert outcome.verdict.found > 500
        assert outcome.verdict.mails > 0
        everything = await theatre.judge_all()
    assert everything.breaches == {}
    assert everything.unknown == everything.injected_unknown >= 2, "after DATA, and after 250"
