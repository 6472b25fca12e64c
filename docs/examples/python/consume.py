"""Prints every milestone: python consume.py BOOTSTRAP_SERVERS (pip install aiokafka)."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer


async def main(servers: str) -> None:
    consumer = AIOKafkaConsumer(
        "coaching.milestones.v1",
        bootstrap_servers=servers,
        group_id="my-python-subscriber",
        isolation_level="read_committed",  # else milestones of aborted transactions would be read
        auto_offset_reset="earliest",
        enable_auto_commit=False,  # committed below, when it is handled
    )
    handled = set()  # yours: a table with this key, written in one transaction with what you do
    async with consumer:
        async for record in consumer:
            milestone = json.loads(record.value)
            identity = (milestone["milestone_id"], milestone["revision"], milestone["type"])
            if identity not in handled:
                print(milestone["type"], record.key.decode(), milestone["name"], *identity[:2], flush=True)
                handled.add(identity)
            await consumer.commit()


asyncio.run(main(sys.argv[1]))
