"""Topics as code: compares the broker with `schemas.topics`, shows the difference, applies it.

Must never change a partition count or replication factor: the key decides the partition
and the partition owns the state, so a change would split clients. It says so and stops.
Applying twice changes nothing.
"""

from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.kafka import client_options
from agents.settings import KafkaSettings
from schemas.topics import TOPICS, Topic

_REPLICATED = "min.insync.replicas"
_SET_ON_TOPIC = 1  # the configuration source DYNAMIC_TOPIC_CONFIG of KIP-226


class TopicsRefusedError(Exception):
    """The broker has topics that do not fit and that must not be changed by a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs for one topic; nothing when both parts are empty.

    Attributes:
        topic: the topic as it should be.
        is_missing: the broker does not have it.
        changes: configuration name, value on the broker, value as it should be.
        partitions: the count on the broker, where it is not the one wanted.
    """

    topic: Topic
    is_missing: bool
    changes: tuple[tuple[str, str | None, str], ...] = ()
    partitions: int | None = None

    @property
    def is_empty(self) -> bool:
        """The topic is as it should be."""
        return not (self.is_missing or self.changes or self.partitions)


def wanted_config(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    """A topic's configuration with what depends on the cluster's size."""
    insync = min(settings.min_insync_replicas, settings.replication_factor)
    return {**topic.config, _REPLICATED: str(insync)}


async def compare(settings: KafkaSettings) -> tuple[Difference, ...]:
    """Each topic's difference between the broker and the code."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        existing = {t["topic"]: t for t in await admin.describe_topics(None) if not t["error_code"]}
        present = [topic.name for topic in TOPICS if topic.name in existing]
        configs = {name: await _config(admin, name) for name in present}
        return tuple(_difference(topic, existing, configs, settings) for topic in TOPICS)
    finally:
        await admin.close()


def _difference(
    topic: Topic,
    existing: dict[str, dict[str, Any]],
    configs: dict[str, list[tuple[Any, ...]]],
    settings: KafkaSettings,
) -> Difference:
    if topic.name not in existing:
        return Difference(topic=topic, is_missing=True)
    count = len(existing[topic.name]["partitions"])
    config = {entry[0]: entry[1] for entry in configs[topic.name]}
    changes = tuple(
        (name, config.get(name), value)
        for name, value in wanted_config(topic, settings).items()
        if config.get(name) != value
    )
    return Difference(
        topic=topic,
        is_missing=False,
        changes=changes,
        partitions=None if count == settings.partitions else count,
    )


async def _config(admin: AIOKafkaAdminClient, name: str) -> list[tuple[Any, ...]]:
    """A topic's configuration as the broker lists it: name, value, read-only, source, ..."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    (resource,) = answer.resources
    return list(resource[4])


async def overrides(settings: KafkaSettings, name: str) -> dict[str, str]:
    """What is set on the topic itself, by us or by its operators."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        return {entry[0]: entry[1] for entry in await _config(admin, name) if entry[3] == _SET_ON_TOPIC}
    finally:
        await admin.close()


async def apply(settings: KafkaSettings, differences: tuple[Difference, ...]) -> None:
    """Create what is missing and set what differs.

    Raises:
        TopicsRefusedError: a partition count differs; nothing was changed.
    """
    wrong = [f"{d.topic.name} has {d.partitions} partitions" for d in differences if d.partitions]
    if wrong:
        raise TopicsRefusedError(
            f"{'; '.join(wrong)}, and CAIRN_PARTITIONS is {settings.partitions}. The count is fixed for "
            "life: set CAIRN_PARTITIONS to the broker's count, or start with new topics."
        )
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        await _create(admin, settings, [d.topic for d in differences if d.is_missing])
        changed = [d for d in differences if d.changes]
        if changed:
            # AlterConfigs replaces the whole set: what operators set beside ours is sent along.
            await admin.alter_configs(
                [
                    _resource(
                        d.topic,
                        {**await overrides(settings, d.topic.name), **wanted_config(d.topic, settings)},
                    )
                    for d in changed
                ]
            )
    finally:
        await admin.close()


def _resource(topic: Topic, config: dict[str, str]) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=config)


async def _create(admin: AIOKafkaAdminClient, settings: KafkaSettings, topics: list[Topic]) -> None:
    if not topics:
        return
    answer = await admin.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=settings.partitions,
                replication_factor=settings.replication_factor,
                topic_configs=wanted_config(topic, settings),
            )
            for topic in topics
        ]
    )
    failed = [f"{error[0]}: {error[2] or error[1]}" for error in answer.topic_errors if error[1]]
    if failed:
        raise TopicsRefusedError(f"The broker refused to create: {'; '.join(failed)}")


def describe(difference: Difference, settings: KafkaSettings) -> str:
    """One topic's difference for a person."""
    name = difference.topic.name
    if difference.is_missing:
        return f"+ {name}  {settings.partitions} partitions, replication {settings.replication_factor}"
    if difference.is_empty:
        return f"= {name}"
    lines = [f"~ {name}"]
    if difference.partitions:
        lines.append(f"    partitions: {difference.partitions} on the broker, {settings.partitions} wanted")
    lines += [f"    {key}: {now} -> {wanted}" for key, now, wanted in difference.changes]
    return "\n".join(lines)
