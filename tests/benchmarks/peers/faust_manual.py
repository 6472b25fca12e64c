"""A Faust application as Faust's manual shows one: an agent, a table used as a dict, a topic that is sent to.

It decodes with the same codec, decides with the same `advance` and keeps states in the same bytes as Cairn.
Environment: BENCH_KAFKA, BENCH_APP (application id), BENCH_MILESTONES (topic sent to), BENCH_GUARANTEE
(`at_least_once` or `exactly_once`), BENCH_PARTITIONS, BENCH_FOLDER (for what Faust keeps on disk).
"""

import os
from typing import Any

import faust

from schemas.codec import decode_event
from schemas.milestone_codec import encode_milestone
from schemas.rulebook import load_rulebook
from schemas.topics import EVENTS
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.state import decode_state, encode_state
from tests.benchmarks.load import RULEBOOK

plan = compile_rulebook(load_rulebook(RULEBOOK.read_text(), str(RULEBOOK)))

app = faust.App(
    os.environ["BENCH_APP"],
    broker=f"kafka://{os.environ['BENCH_KAFKA']}",
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    topic_partitions=int(os.environ["BENCH_PARTITIONS"]),
    topic_replication_factor=1,
    datadir=os.environ["BENCH_FOLDER"],
    web_enabled=False,
)
events_topic = app.topic(EVENTS, key_serializer="raw", value_serializer="raw")
milestones_topic = app.topic(os.environ["BENCH_MILESTONES"], key_serializer="raw", value_serializer="raw")
clients = app.Table("clients", key_type=bytes, value_type=bytes)


@app.agent(events_topic)
async def track(events: Any) -> None:
    """Decide about one event after another."""
    async for received in events.events():
        event = decode_event((), received.value)
        known = clients.get(received.key)
        now_ms = round(received.message.timestamp * 1000)
        advanced = advance(decode_state(known, received.key.decode()) if known else None, event, plan, now_ms)
        clients[received.key] = encode_state(advanced.state)
        for milestone in advanced.milestones:
            value, headers = encode_milestone(milestone)
            await milestones_topic.send(key=received.key, value=value, headers=dict(headers))


if __name__ == "__main__":
    app.main()
