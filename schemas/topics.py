"""The topics of Cairn: names, keys and the configuration they are provisioned with.

A topic's partition count is fixed for life: the key decides the partition, the partition
decides the owner of a client's state. `cairn topics apply` creates what is missing and
refuses to change a count.
"""

from dataclasses import dataclass

EVENTS = "coaching.events.v1"
CLIENTS = "coaching.clients.v1"
MILESTONES = "coaching.milestones.v1"
CELEBRATIONS = "coaching.celebrations.v1"
DEAD_LETTERS = "coaching.dead-letters.v1"
TRACKER_APP_ID = "cairn-tracker"
DELIVERY_APP_ID = "cairn-delivery"
STATE_TABLE = "clients"
STATE_CHANGELOG = f"{TRACKER_APP_ID}-{STATE_TABLE}-changelog"

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: its name, what it is for and its broker-side configuration."""

    name: str
    purpose: str
    config: dict[str, str]


def client_key(tenant: str, client: str) -> bytes:
    """The key of every record about a client: `tenant/client`, UTF-8.

    Partitioned by murmur2, as the Java client does; librdkafka's default differs and would
    split a client in two.
    """
    return f"{tenant}/{client}".encode()


def split_key(key: bytes) -> tuple[str, str]:
    """The tenant and client of a key.

    Raises:
        ValueError: the key is not `tenant/client` in UTF-8.
    """
    tenant, slash, client = key.decode().partition("/")
    if not (tenant and slash and client) or "/" in client:
        raise ValueError("the key must be tenant/client")
    return tenant, client


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}


TOPICS = (
    Topic(
        name=EVENTS,
        purpose="what happened in a client's coaching; LogAppendTime is the tracker's clock",
        config={**_kept(90), "message.timestamp.type": "LogAppendTime"},
    ),
    Topic(
        name=CLIENTS,
        purpose="profiles, the only topic with contact data; a tombstone erases",
        config={
            "cleanup.policy": "compact",
            "message.timestamp.type": "LogAppendTime",
            "delete.retention.ms": str(30 * _DAY_MS),
            "segment.ms": str(24 * _HOUR_MS),
        },
    ),
    Topic(name=MILESTONES, purpose="milestones reached and retracted; read read_committed", config=_kept(90)),
    Topic(name=CELEBRATIONS, purpose="what became of celebrations and deliveries; at least once", config=_kept(90)),
    Topic(name=DEAD_LETTERS, purpose="what was refused, byte-identical, with its reason", config=_kept(90)),
    Topic(
        name=STATE_CHANGELOG,
        purpose="the tracker's state; written and read by the tracker alone",
        config={
            "cleanup.policy": "compact",
            "segment.bytes": str(64 * 1024 * 1024),
            "segment.ms": str(_HOUR_MS),
            "max.compaction.lag.ms": str(_DAY_MS),
            "min.cleanable.dirty.ratio": "0.3",
        },
    ),
)
