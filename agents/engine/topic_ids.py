"""Kafka's own id of a topic, which tells a recreated topic from the one that was read.

Must never be needed to run: a broker that does not know topic ids (before 2.8) gives unknown ones.

Theory of operation: aiokafka speaks Metadata up to version 5; ids come with 10, in the flexible encoding. This is
version 12 (KIP-516, KIP-482), built from aiokafka's own wire types.
"""

from io import BytesIO
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from agents.engine.bookmark import UNKNOWN_ID

_NO_ID = UUID(int=0)


class _Uuid:
    """The wire type of an id: 16 bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))

    @classmethod
    def repr(cls, value: UUID) -> str:
        return str(value)


class _Answer(Response):  # type: ignore[misc] # aiokafka is untyped here
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc] # aiokafka is untyped here
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Metadata(Request[_Question]):  # type: ignore[misc] # aiokafka is untyped here
    API_KEY = 3

    def __init__(self, topics: tuple[str, ...]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(_NO_ID, topic, {}) for topic in self._topics], False, False, {})  # noqa: FBT003 - wire order


async def read_topic_ids(admin: AIOKafkaAdminClient, topics: tuple[str, ...]) -> dict[str, str]:
    """Return the id of each topic as text, or `UNKNOWN_ID` where the broker does not know of ids.

    Raises:
        KafkaError: The broker knows of ids but not of this topic, or not at this moment: an id that is written down
            once must not be forgotten for that.
    """
    try:
        answer = await admin._send_request(_Metadata(topics))  # noqa: SLF001 - the public calls parse version 5 at most
    except (IncompatibleBrokerVersion, NotImplementedError):
        return dict.fromkeys(topics, UNKNOWN_ID)
    for error, topic, *_ in answer.topics:
        if error:
            raise for_code(error)(topic)
    ids = {topic: topic_id for _, topic, topic_id, *_ in answer.topics}
    return {topic: UNKNOWN_ID if ids[topic] == _NO_ID else str(ids[topic]) for topic in topics}
