"""Quix Streams, exactly-once: a stateful function over a StreamingDataFrame, its state in RocksDB with a changelog.

A state is kept as bytes (`set_bytes`), not as JSON, and nothing is logged but warnings. All else is its default: its
manual weighs `commit_interval` as latency against speed (Advanced, "Checkpointing"), and 5 s is on the side of speed,
with one changelog record a client and commit; RocksDB has a block cache of 1 GiB.

Environment: BENCH_KAFKA, BENCH_APP (consumer group), BENCH_EVENTS and BENCH_MILESTONES (topics read and produced to),
BENCH_GUARANTEE (`exactly-once`), BENCH_FOLDER (for its state).
"""

import os
import time
from typing import Any

from quixstreams import Application
from quixstreams.models.topics.exceptions import TopicNotFoundError

from schemas.milestone import Milestone
from schemas.milestone_codec import encode_milestone
from tests.benchmarks.peers.deciding import decide

_STATE = "state"
_ATTEMPTS = 5


def track(value: bytes, key: bytes, timestamp_ms: int, _headers: Any, state: Any) -> list[Milestone]:
    """Decide about one event; the milestones go on down the stream, one by one."""
    after, reached = decide(state.get_bytes(_STATE), key, value, timestamp_ms)
    state.set_bytes(_STATE, after)
    return list(reached)


def _headers_of(milestone: Milestone, *_: Any) -> list[tuple[str, bytes]]:
    return list(encode_milestone(milestone)[1])


def stream_on(app: Application) -> None:
    """Make the topics and the one stream of an application."""
    events = app.topic(os.environ["BENCH_EVENTS"], key_deserializer="bytes", value_deserializer="bytes")
    milestones = app.topic(os.environ["BENCH_MILESTONES"], key_serializer="bytes", value_serializer="bytes")
    stream = app.dataframe(events).apply(track, stateful=True, expand=True, metadata=True)
    stream = stream.set_headers(_headers_of).apply(lambda milestone: encode_milestone(milestone)[0])
    stream.to_topic(milestones)


def main() -> None:
    """Run until the process is ended."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        app = Application(
            broker_address=os.environ["BENCH_KAFKA"],
            consumer_group=os.environ["BENCH_APP"],
            processing_guarantee=os.environ["BENCH_GUARANTEE"],
            auto_offset_reset="earliest",
            state_dir=os.environ["BENCH_FOLDER"],
            loglevel="WARNING",
        )
        try:
            stream_on(app)
        except TopicNotFoundError:  # it looks for its changelog sooner than a busy broker shows it
            if not attempts_left:
                raise
            time.sleep(1)
        else:
            app.run()
            return


if __name__ == "__main__":
    main()
