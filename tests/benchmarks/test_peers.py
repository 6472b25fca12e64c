"""Every peer runs as the bench runs it, over a small log, and does the job: the same milestones as the reference.

All share one broker and run side by side to save time, but for Faust: started while seven others start, it was seen to
begin with its first events forgotten.
"""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from schemas.codec import decode_event
from tests.benchmarks import contest, load, reference, stage
from tests.benchmarks.installing import PEERS
from tests.benchmarks.roster import ENTRANTS, peer_of

_ROOT = Path(__file__).parents[2]
_JOB = ("first-session 1", "thirty-six 36", "iron-streak 14", "iron-streak 30")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stage.Stage]:
    with stage.servers(tmp_path_factory.mktemp("stage"), Console(quiet=True)) as running:
        yield running


@pytest.fixture(scope="module")
async def course(servers: stage.Stage) -> contest.Course:
    """A hundred clients through all that the job asks for; without a limit of time, so that all is read."""
    log = partial(
        load.log, steady_days=47, growth_days=3, clients=100, partitions=stage.PARTITIONS, today=datetime.now(UTC)
    )
    events = [decode_event((), sent.value) for sent in log()]
    assert len({event.id for event in events}) < len(events), "nothing comes twice"
    ends = await stage.fill(servers, log())
    return contest.Course(ends=ends, reference=reference.of(log()), seconds=float("inf"))


@pytest.mark.timeout(900)  # the first run installs the peers
async def test_every_peer_gives_the_milestones_of_the_reference(servers: stage.Stage, course: contest.Course) -> None:
    fausts = [entrant for entrant in ENTRANTS if entrant.name.startswith("faust")]
    others = [entrant for entrant in ENTRANTS if entrant not in fausts]
    for number, entrant in enumerate(ENTRANTS):
        peer_of(entrant, servers, -number)  # installs it, which blocks: nothing may wait for an answer meanwhile
    judged = await asyncio.gather(*(contest.judge(servers, entrant, course) for entrant in others))
    judged += [await contest.judge(servers, entrant, course) for entrant in fausts]
    for entrant, (ran, difference) in zip([*others, *fausts], judged, strict=True):
        assert dict(ran.committed) == dict(course.ends), f"{entrant.name} did not read everything"
        assert (difference is not None) == entrant.decides
        if difference is not None:
            assert difference.is_none, f"{entrant.name}: {difference.text}"
            assert difference.expected == len(course.reference)


async def test_the_small_log_holds_all_of_the_job(course: contest.Course) -> None:
    assert len(course.reference) == 100 * len(_JOB)


def test_peers_have_the_versions_that_cairn_has_of_what_both_run_on() -> None:
    pinned = {name: _versions(PEERS / f"{name}.txt") for name in ("bare_loop", "faust_manual", "quix_streams")}
    own = _versions(_ROOT / "requirements" / "runtime.txt")
    for shared in ("aiokafka", "faust-streaming", "mode-streaming", "msgspec", "uvloop"):
        found = {versions[shared] for versions in pinned.values() if shared in versions}
        assert found == {own[shared]}, shared


def _versions(pins: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", pins.read_text(), re.MULTILINE))
