"""Generates the AsyncAPI 3.0 document: topics, keys, content modes, payloads, retention, rules of evolution.

It stands on its own: payloads refer to `components/schemas`, which come from the shapes that
decode. Topic names and configuration come from `schemas.topics`, examples from `examples.py`.
Written from Cairn's side, as AsyncAPI wants it: what Cairn receives, a platform sends.
"""

from typing import Any

from schemas.client import Profile
from schemas.codec import STRUCTURED_CONTENT_TYPE
from schemas.contracts import examples
from schemas.contracts.channels import ANY_VALUE, DESCRIPTIONS, INFO, Schema, kafka_channel, kafka_key
from schemas.contracts.components import (
    change_schemas,
    envelope_headers,
    event_schema,
    milestone_schema,
    model_schema,
)
from schemas.contracts.readable_yaml import readable_yaml
from schemas.event import EVENT_DATA
from schemas.milestone import REACHED, RETRACTED, MilestoneType
from schemas.topics import CELEBRATIONS, CLIENTS, DEAD_LETTERS, EVENTS, MILESTONES

_COMPONENT = "#/components/schemas/{name}"
_ISOLATION = {"x-isolation-level": "read_committed"}


def asyncapi() -> str:
    """The document as YAML."""
    document = {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }
    return readable_yaml(document)


def _server() -> Schema:
    address = {"description": "Your cluster's bootstrap servers.", "default": "localhost:9092"}
    return {"host": "{bootstrap}", "protocol": "kafka", "variables": {"bootstrap": address}}


_CHANNEL_MESSAGES = {
    "events": (EVENTS, ("structuredEvent", "binaryEvent")),
    "clients": (CLIENTS, ("profile", "erasure")),
    "milestones": (MILESTONES, ("milestoneReached", "milestoneRetracted")),
    "celebrations": (CELEBRATIONS, ("celebrationChanged", "deliveryChanged")),
    "deadLetters": (DEAD_LETTERS, ("deadLetter",)),
}


def _channels() -> Schema:
    return {
        channel: {
            "address": topic,
            "description": DESCRIPTIONS[channel],
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            "bindings": kafka_channel(topic),
            **({} if topic == DEAD_LETTERS else {"x-partitioner": "murmur2"}),
        }
        for channel, (topic, messages) in _CHANNEL_MESSAGES.items()
    }


def _operations() -> Schema:
    def operation(action: str, channel: str, summary: str, **more: Any) -> Schema:
        names = _CHANNEL_MESSAGES[channel][1]
        messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]
        return {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "messages": messages,
            **more,
        }

    return {
        "hearEvents": operation("receive", "events", "You publish what happened; Cairn counts it."),
        "hearClients": operation("receive", "clients", "You publish who a client is; Cairn asks it before it answers."),
        "tellMilestones": operation("send", "milestones", "Cairn publishes; you subscribe.", **_ISOLATION),
        "tellCelebrations": operation("send", "celebrations", "Cairn publishes what became of them; you subscribe."),
        "tellDeadLetters": operation("send", "deadLetters", "Cairn sets aside; you look what and why.", **_ISOLATION),
    }


def _messages() -> Schema:
    binary_headers, binary_value = examples.binary_event()
    structured = [
        {"name": value["type"], "headers": {"content-type": STRUCTURED_CONTENT_TYPE.decode()}, "payload": value}
        for value in examples.structured_events()
    ]
    binary = [{"name": "habit.checked", "headers": binary_headers, "payload": binary_value}]
    return {
        "structuredEvent": _message("event_structured", _structured_headers(), _of("Event"), structured),
        "binaryEvent": _message("event_binary", _binary_headers(), {"anyOf": _data_shapes()}, binary),
        "profile": _message("profile", None, _of("Profile"), [{"name": "profile", "payload": examples.profile()}]),
        "erasure": _message("erasure", None, {"type": "null"}, [{"name": "tombstone", "payload": None}]),
        "milestoneReached": _milestone(REACHED),
        "milestoneRetracted": _milestone(RETRACTED),
        "celebrationChanged": _change(0, "CelebrationChanged"),
        "deliveryChanged": _change(1, "DeliveryChanged"),
        "deadLetter": _message("dead_letter", _dead_letter_headers(), ANY_VALUE, []),
    }


def _message(name: str, headers: Schema | None, payload: Schema, samples: list[Schema]) -> Schema:
    return {
        "name": name,
        "description": DESCRIPTIONS[name],
        **({"contentType": "application/cloudevents+json"} if name == "event_structured" else {}),
        **({} if headers is None else {"headers": headers}),
        "payload": payload,
        "bindings": kafka_key(any_key=name == "dead_letter"),
        **({"examples": samples} if samples else {}),
    }


def _milestone(type_: MilestoneType) -> Schema:
    headers, value = examples.milestone(type_)
    said: Schema = {"type": "object", "properties": {name: {"type": "string"} for name in headers}}
    said["properties"]["ce_type"] = {"const": type_}
    said["properties"]["ce_receivedat"] = {"type": "string", "pattern": "^[0-9]+$"}
    payload = {"allOf": [_of("Milestone"), {"properties": {"type": {"const": type_}}}]}
    name = type_.replace(".", "_")
    sample = {"name": type_, "headers": headers, "payload": value}
    return _message(name, {**said, "required": list(headers)}, payload, [sample])


def _change(number: int, shape: str) -> Schema:
    headers, value = examples.changes()[number]
    said: Schema = {"type": "object", "properties": {name: {"type": "string"} for name in headers}}
    said["properties"]["ce_type"] = {"const": value["type"]}
    sample = {"name": value["type"], "headers": headers, "payload": value}
    return _message(value["type"].replace(".", "_"), {**said, "required": list(headers)}, _of(shape), [sample])


def _structured_headers() -> Schema:
    return {
        "type": "object",
        "properties": {"content-type": {"type": "string", "pattern": r"^application/cloudevents\+json"}},
    }


def _binary_headers() -> Schema:
    headers = envelope_headers()
    headers["properties"]["content-type"] = {"type": "string", "pattern": "^(application|text)/json"}
    return headers


def _dead_letter_headers() -> Schema:
    names = ("reason", "detail", "topic", "partition", "offset", "sealed", "digest", "heard-at")
    said = {name: {"type": "string"} for name in names}
    required = ["cairn-dead-letter-reason", "cairn-dead-letter-detail", "cairn-dead-letter-topic"]
    return {
        "type": "object",
        "properties": {f"cairn-dead-letter-{name}": shape for name, shape in said.items()},
        "required": required,
    }


def _of(name: str) -> Schema:
    return {"$ref": _COMPONENT.format(name=name)}


def _data_shapes() -> list[Schema]:
    names = dict.fromkeys(shape.__name__ for shape in EVENT_DATA.values())
    return [*map(_of, names), _of("FreeData")]


def _schemas() -> Schema:
    event, definitions = event_schema(_COMPONENT)
    free = event["allOf"][-1]["then"]["properties"]
    # AsyncAPI's schemas are draft 7, where a $ref hides what stands beside it.
    whole = {"allOf": [{"$ref": event["$ref"]}, *event["allOf"]]}
    shapes = {"Event": whole, **definitions, "FreeData": free["data"]}
    free["data"] = _of("FreeData")
    _, milestones = milestone_schema(_COMPONENT)
    _, changes = change_schemas(_COMPONENT)
    profile, parts = model_schema(Profile, _COMPONENT)
    return {**shapes, **milestones, **changes, "Profile": profile, **parts}
