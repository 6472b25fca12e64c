"""Renews `peers/kafka_streams.txt`: `python -m tests.benchmarks.pin_streams`, as `make lock` calls it.

Kafka Streams speaks to any broker from version 2.1 on (Upgrade Guide, "Compatibility"), so it is the newest, not the
embedded broker's; Bouncy Castle has the hash of which milestones' ids are made, which the JDK lacks.
"""

from agents.embedded.pin_jars import pin
from tests.benchmarks.installing import PEERS

_STREAMS = "4.4.0"
_ROOTS = (
    f"org.apache.kafka:kafka-streams:{_STREAMS}",
    "org.bouncycastle:bcprov-jdk18on:1.87",
    "org.slf4j:slf4j-simple:1.7.36",
)


if __name__ == "__main__":
    pin(
        _ROOTS, f"Kafka Streams {_STREAMS} as a peer of the bench. Renewed by `make lock`.", PEERS / "kafka_streams.txt"
    )
