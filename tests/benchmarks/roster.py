"""The roster: who takes part in the contest, what each promises, and how one is started on the stage.

Each application id is used for one round, so that a peer begins with no offsets, no state and no changelog.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.embedded.ports import usable_port
from agents.stack import CAIRN
from schemas.rulebook import load_rulebook
from schemas.topics import EVENTS, MILESTONES, TRACKER_APP_ID
from streams.tracking.compiling import compile_rulebook
from tests.benchmarks.installing import java_of, python_of
from tests.benchmarks.load import RULEBOOK
from tests.benchmarks.peer import Peer
from tests.benchmarks.stage import PARTITIONS, Stage

_ROOT = Path(__file__).parents[2]
_STREAMS = "kafka_streams"
_HEAP_MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One who takes part.

    Attributes:
        name: how its figures begin.
        guarantee: what it promises, in the words in which it is told.
        command: its command line; what it needs is installed when this is called.
        settings: what its environment says besides.
        decides: whether what it writes are milestones.
    """

    name: str
    guarantee: str
    command: Callable[[], tuple[str, ...]]
    settings: tuple[tuple[str, str], ...] = ()
    decides: bool = True


def peer_of(entrant: Entrant, stage: Stage, number: int) -> Peer:
    """The entrant as it is started for one round, the number of which makes its application id."""
    name, guarantee = entrant.name, entrant.guarantee
    if name == "cairn":
        group, output = TRACKER_APP_ID, MILESTONES
        env = {**stage.env, "CAIRN_TRACK_PROBE_PORT": str(usable_port())}
    else:
        group = f"bench-{name}-{number}"
        output = f"{group}.milestones"
        env = {**stage.env, **_environment(stage, group, output, guarantee), **dict(entrant.settings)}
    return Peer(
        name=name,
        guarantee=guarantee,
        group=group,
        output=output,
        decides=entrant.decides,
        argv=entrant.command(),
        env=env,
    )


def _environment(stage: Stage, group: str, output: str, guarantee: str) -> dict[str, str]:
    rulebook = load_rulebook(RULEBOOK.read_text(), str(RULEBOOK))
    return {
        "PYTHONPATH": str(_ROOT),
        "BENCH_KAFKA": stage.kafka,
        "BENCH_APP": group,
        "BENCH_EVENTS": EVENTS,
        "BENCH_MILESTONES": output,
        "BENCH_GUARANTEE": guarantee,
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_FOLDER": str(stage.folder / group),
        "BENCH_RULEBOOK": str(RULEBOOK),
        "BENCH_RULEBOOK_DIGEST": compile_rulebook(rulebook).digest,
    }


def _python(module: str, *arguments: str) -> Callable[[], tuple[str, ...]]:
    return lambda: (str(python_of(module)), "-m", f"tests.benchmarks.peers.{module}", *arguments)


def _java() -> tuple[str, ...]:
    """Kafka Streams with its heap bounded, and the JVM's collector for throughput."""
    java, *rest = java_of(_STREAMS)
    options = (f"-Xmx{_HEAP_MIB}m", "-XX:+UseParallelGC", "--enable-native-access=ALL-UNNAMED")
    return (java, *options, *rest, "Main")


_FAUST = _python("faust_manual", "-L", "uvloop", "worker", "--loglevel", "warn", "--without-web")
_STREAMS_GUARANTEE = "exactly_once_v2"
ENTRANTS = (
    Entrant(name="cairn", guarantee="exactly once", command=lambda: (str(CAIRN), "track")),
    Entrant(name="faust", guarantee="at_least_once", command=_FAUST),
    Entrant(name="faust_exactly_once", guarantee="exactly_once", command=_FAUST),
    Entrant(name="quix", guarantee="exactly-once", command=_python("quix_streams")),
    Entrant(
        name="streams_rocksdb", guarantee=_STREAMS_GUARANTEE, command=_java, settings=(("BENCH_STORE", "rocksdb"),)
    ),
    Entrant(name="streams_memory", guarantee=_STREAMS_GUARANTEE, command=_java, settings=(("BENCH_STORE", "memory"),)),
    Entrant(name="bare_loop", guarantee="exactly_once", command=_python("bare_loop"), decides=False),
)
