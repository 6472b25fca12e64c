"""A Faust application as Faust's manual shows one: an agent, a table used as a dict, a topic that is sent to.

Of what the manual offers for speed it has the C extensions and uvloop (User Guide, "Installation: Bundles"), and a
table in memory, which is quicker than its RocksDB (User Guide, "Tables"). All else is at its default, with which the
manual's examples run.

Environment: BENCH_KAFKA, BENCH_APP (application id), BENCH_EVENTS and BENCH_MILESTONES (topics read and sent to),
BENCH_GUARANTEE (`at_least_once` or `exactly_once`), BENCH_PARTITIONS, BENCH_FOLDER (for what Faust keeps on disk).
"""

import os
from typing import Any

import faust

from schemas.milestone_codec import encode_milestone
from tests.benchmarks.peers.deciding import decide

app = faust.App(
    os.environ["BENCH_APP"],
    broker=f"kafka://{os.environ['BENCH_KAFKA']}",
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    topic_partitions=int(os.environ["BENCH_PARTITIONS"]),
    topic_replication_factor=1,
    datadir=os.environ["BENCH_FOLDER"],
    web_enabled=False,
)
events_topic = app.topic(os.environ["BENCH_EVENTS"], key_serializer="raw", value_serializer="raw")
milestones_topic = app.topic(os.environ["BENCH_MILESTONES"], key_serializer="raw", value_serializer="raw")
clients = app.Table("clients", key_type=bytes, value_type=bytes)


@app.agent(events_topic)
async def track(events: Any) -> None:
    """Decide about one event after another."""
    async for received in events.events():
        now_ms = round(received.message.timestamp * 1000)
        clients[received.key], reached = decide(clients.get(received.key), received.key, received.value, now_ms)
        for milestone in reached:
            value, headers = encode_milestone(milestone)
            await milestones_topic.send(key=received.key, value=value, headers=dict(headers))


if __name__ == "__main__":
    app.main()
