"""What the AsyncAPI document says about topics in words, and how their configuration is shown."""

from typing import Any

from schemas.contracts.examples import CLIENT, TENANT
from schemas.text import EVENT_MAX_BYTES
from schemas.topics import TOPICS

Schema = dict[str, Any]

_BINDING_VERSION = "0.5.0"
_LISTS = {"cleanup.policy"}
_NUMBERS = {"retention.ms", "delete.retention.ms"}
_TEXTS = {"message.timestamp.type"}

INFO: Schema = {
    "title": "Cairn",
    "version": "1.0.0",
    "description": """\
The topics between a coaching platform and Cairn. `receive` means that you publish, `send` that you subscribe.

Keys: every record about a client has the key `tenant/client` in UTF-8, partitioned as the Java client does:
murmur2 of the key, sign bit cleared, modulo the partition count. Not every client does by default: docs/subscribe.md.
A record in another partition is refused. Partition counts are fixed for life. Order holds within a key.

Reading: `isolation.level=read_committed`. A milestone is written in the transaction of the event that caused it;
without it you see milestones of transactions that were aborted.

Duplicates: an event counts once by its `id`, a completion once by its business key (a session, an order, a goal).
A milestone is identified by (`milestone_id`, `revision`), a change of its celebration by `change_id`; a record of
either by `ce_id`.

Evolution: within v1 fields and headers are only added, and only optional ones; no field changes its type or meaning
and none goes away. Ignore fields that you do not know, and milestones of rules that you do not use. A breaking change
is a new topic, v2, beside the old one.""",
    "license": {"name": "Apache-2.0"},
}

DESCRIPTIONS = {
    "events": f"""\
What happened in a client's coaching, as CloudEvents 1.0 structured or binary, at most {EVENT_MAX_BYTES:,} bytes.
Ids are pseudonymous: no name or address travels here. The time of appending is the tracker's clock.
Publish with acks=all and an idempotent producer; an event that is sent again with the same id counts once.""",
    "clients": """\
Who a client is and how they want to be met: the only topic with contact data, with an ACL of its own.
Compacted: a record is a whole profile, the newest wins.""",
    "milestones": """\
What a client reached, exactly once for readers of committed records. CloudEvents in binary mode:
filter by `ce_type` or `ce_tenantid` without parsing. The value alone is complete.""",
    "celebrations": """\
What became of each celebration and of each of its deliveries: planned, sent, skipped and why. CloudEvents in binary
mode; the value alone is complete. At least once: drop what carries a `change_id` that you have seen.
Of one delivery, and of one celebration, changes come in their order; `changed_at` tells it too.""",
    "deadLetters": """\
What was refused: key, value and headers as they came, with the reason in headers that begin with `cairn-dead-letter-`.
For operators; `cairn dlq` lists, shows and replays.""",
    "event_structured": """\
Structured mode: the value is the whole CloudEvent, the header `content-type` is `application/cloudevents+json`
(a record without content type and without `ce_` headers is read as structured too).""",
    "event_binary": """\
Binary mode: the CloudEvents attributes are headers with the prefix `ce_`, the value is the data alone. Which of these
shapes the data has is decided by `ce_type`, as in the schema `Event`.""",
    "profile": "A whole profile; every field is optional.",
    "erasure": "A tombstone (no value): profile and messages are erased; late events do not bring the person back.",
    "milestone_reached": """\
Reached. Revision 1 at first; one that was withdrawn and is reached again comes with the same id and the next revision.
`ce_receivedat`, where an event was the cause, is its append time in milliseconds.""",
    "milestone_retracted": """\
Withdrawn: it names the id and revision that no longer hold. `reached_at` is the time of what withdrew it.""",
    "celebration_changed": "What was planned as the answer to a milestone, or that it was withdrawn.",
    "delivery_changed": "One channel of a celebration reached a state; `reason` says why where it did not just go on.",
    "dead_letter": """\
Where it came from is in `cairn-dead-letter-topic`, `-partition` and `-offset`. A hook's body is encrypted and says so
(`cairn-dead-letter-sealed`); its topic is `hook:` and the source, its digest the same each time that it is refused.""",
}

ANY_VALUE: Schema = {"description": "The refused record's bytes, or an encrypted hook; often no JSON at all."}


def kafka_channel(topic: str) -> Schema:
    """The Kafka binding of a channel: how its topic is provisioned, without what a cluster's size decides."""
    config = next(known.config for known in TOPICS if known.name == topic)
    shown = {name: _typed(name, value) for name, value in config.items() if name in _LISTS | _NUMBERS | _TEXTS}
    return {"kafka": {"topic": topic, "topicConfiguration": shown, "bindingVersion": _BINDING_VERSION}}


def kafka_key(*, any_key: bool = False) -> Schema:
    """The Kafka binding of a message: its key."""
    key: Schema = {"type": "string", "description": "`tenant/client`", "examples": [f"{TENANT}/{CLIENT}"]}
    key |= {"pattern": r"^[^\s/\x00-\x1f\x7f]{1,128}/[^\s/\x00-\x1f\x7f]{1,128}$"}
    own = {"description": "The refused record's own, or `tenant/source` of a hook."}
    return {"kafka": {"key": own if any_key else key, "bindingVersion": _BINDING_VERSION}}


def _typed(name: str, value: str) -> Any:
    if name in _LISTS:
        return value.split(",")
    return int(value) if name in _NUMBERS else value
