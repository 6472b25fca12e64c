"""Publishes that a habit was checked: python produce.py BOOTSTRAP_SERVERS (pip install aiokafka)."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer


async def main(servers: str) -> None:
    now = datetime.now(UTC)
    event = {
        "specversion": "1.0",
        "id": f"morning-walk-{now:%Y-%m-%d}",  # made of what happened: sent twice, it counts once
        "source": "my-python-app",
        "type": "habit.checked",
        "subject": "c_7k2d",
        "tenantid": "iron-and-oak",
        "time": now.isoformat(),
        "data": {"habit_id": "morning-walk", "title": "Morning walk"},
    }
    # aiokafka partitions as the Java client does. Idempotent: acks=all, in order, no doubles by retries.
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        sent = await producer.send_and_wait(
            "coaching.events.v1",
            key=b"iron-and-oak/c_7k2d",
            value=json.dumps(event).encode(),
            headers=[("content-type", b"application/cloudevents+json")],
        )
    print(f"partition {sent.partition}")


asyncio.run(main(sys.argv[1]))
