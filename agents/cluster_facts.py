"""What a Kafka cluster says about itself: its id, and which topics it has with how many partitions.

Asking makes no topic, unlike a producer's or consumer's own questions about one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient


class TopicMissingError(Exception):
    """The broker has no such topic; the operator must create it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """A cluster at one moment.

    Attributes:
        cluster_id: Kafka's own id; empty when the broker does not tell.
        counts: partition counts by topic.
    """

    cluster_id: str
    counts: Mapping[str, int]

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            TopicMissingError: the broker does not have it.
        """
        if topic not in self.counts:
            raise TopicMissingError(f"Kafka has no topic {topic}: `cairn topics apply` creates what is missing.")
        return self.counts[topic]


async def ask_cluster(options: dict[str, Any]) -> ClusterFacts:
    """The facts now.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
    """
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        described = await admin.describe_topics(None)
        cluster = await admin.describe_cluster()
    finally:
        await admin.close()
    counts = {found["topic"]: len(found["partitions"]) for found in described if not found["error_code"]}
    return ClusterFacts(cluster_id=cluster.get("cluster_id") or "", counts=counts)
