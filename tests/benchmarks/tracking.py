"""One run of the tracker alone over a topic that is filled already, and what it says of itself at the end.

`cairn track` is started as an operator starts it; its speed is measured from outside, between two of its commits, as
that of every peer is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.stack import CAIRN
from schemas.topics import MILESTONES, TRACKER_APP_ID
from tests.benchmarks import scraping
from tests.benchmarks.peer import Peer, Speed, run
from tests.benchmarks.stage import Stage

_WARM_SECONDS = 3.0  # no JVM's compiler


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What a run of the tracker measured, and the metrics that it showed before it was stopped."""

    speed: Speed
    metrics: Mapping[str, float]

    def figures(self, name: str) -> dict[str, float]:
        """The speed under a name of its own."""
        return {
            f"{name}_events_per_second": self.speed.events_per_second,
            f"{name}_cpu_us_per_event": self.speed.cpu_us_per_event,
            f"{name}_peak_mb": self.speed.peak_mb,
            f"{name}_records_per_batch": scraping.records_per_batch({}, dict(self.metrics)),
        }


def tracker(stage: Stage) -> Peer:
    """Cairn's tracker as a peer of the contest."""
    return Peer(
        name="cairn",
        guarantee="exactly once",
        group=TRACKER_APP_ID,
        output=MILESTONES,
        decides=True,
        argv=(CAIRN, "track"),
        env=stage.env,
    )


async def track(stage: Stage, events: int) -> Tracked:
    """Track everything that the topic holds.

    Raises:
        NotMeasuredError: the tracker ended, stood still or was too slow.
    """
    shown: dict[str, float] = {}
    ran = await run(
        stage,
        tracker(stage),
        events,
        warm_seconds=_WARM_SECONDS,
        at_end=lambda: shown.update(scraping.scrape(stage, "track")),
    )
    return Tracked(speed=ran.speed(), metrics=shown)
