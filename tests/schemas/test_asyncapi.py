"""The AsyncAPI document is valid, whole, and says of the topics what the code does with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT7

from agents.engine.batch import Batch
from agents.engine.dead_letters import dead_letter
from agents.engine.logic import Refusal
from schemas import codec, milestone_codec
from schemas.change import CelebrationChanged, DeliveryChanged
from schemas.contracts.asyncapi import asyncapi
from schemas.event import EVENT_DATA
from schemas.milestone import Milestone
from schemas.topics import STATE_CHANGELOG, TOPICS
from tests.agents.engine.test_batch import At
from tests.toolchains import node_modules

DOCUMENT = yaml.safe_load(asyncapi())
MESSAGES = DOCUMENT["components"]["messages"]
_REGISTRY = Registry().with_resource("urn:cairn", DRAFT7.create_resource(DOCUMENT))
_SPECS = Path(__file__).with_name("asyncapi_specs")
CHANGES = {"celebrationChanged": CelebrationChanged, "deliveryChanged": DeliveryChanged}
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{example['name']}")
    for name, message in MESSAGES.items()
    for example in message.get("examples", ())
]


def validator(message: str, part: str) -> Draft7Validator:
    schema = {"$ref": f"urn:cairn#/components/messages/{message}/{part}"}
    return Draft7Validator(schema, registry=_REGISTRY, format_checker=FormatChecker())


def headers_of(example: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return [(name, text.encode()) for name, text in example.get("headers", {}).items()]


def decoded(message: str, example: dict[str, Any]) -> Any:
    """What the service makes of an example."""
    value = json.dumps(example["payload"]).encode()
    if message in {"structuredEvent", "binaryEvent"}:
        return codec.decode_event(headers_of(example), value)
    if message == "profile":
        return codec.decode_profile(value)
    if message in CHANGES:
        return msgspec.json.decode(value, type=CHANGES[message])
    return milestone_codec.decode_milestone(headers_of(example), value)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref" and isinstance(value, str))
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.fixture(scope="module")
def meta() -> Draft7Validator:
    """The meta-schema of AsyncAPI 3.0 as its authors publish it."""
    path = node_modules(_SPECS) / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    return Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def test_the_document_is_valid_asyncapi_3(meta: Draft7Validator) -> None:
    assert [f"{list(error.absolute_path)}: {error.message}" for error in meta.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    "breach",
    [
        lambda document: document["channels"]["events"].update(adress="x"),
        lambda document: document["components"]["schemas"]["Milestone"].update(type="objekt"),
        lambda document: document["components"]["messages"]["profile"]["bindings"]["kafka"].update(key=1),
        lambda document: document["operations"]["tellMilestones"].update(action="publish"),
    ],
)
def test_the_meta_schema_sees_a_breach(meta: Draft7Validator, breach: Any) -> None:
    document = yaml.safe_load(asyncapi())
    breach(document)
    assert not meta.is_valid(document)


def test_every_reference_leads_somewhere() -> None:
    resolver = _REGISTRY.resolver("urn:cairn")
    found = set(references(DOCUMENT))
    assert len(found) > 30
    assert all(resolver.lookup(reference).contents for reference in found)


def test_no_reference_hides_what_stands_beside_it() -> None:
    """Draft 7, which AsyncAPI's schemas are, ignores the neighbours of a `$ref`."""

    def hidden(node: Any) -> Iterator[Any]:
        parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if isinstance(node, dict) and isinstance(node.get("$ref"), str) and len(node) > 1:
            yield node
        for part in parts:
            yield from hidden(part)

    assert [*hidden(DOCUMENT)] == []


def test_an_operation_names_the_messages_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = DOCUMENT["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        assert [name["$ref"].rpartition("/")[2] for name in operation["messages"]] == list(channel["messages"])


def test_the_channels_are_the_topics_as_they_are_provisioned() -> None:
    shared = {topic.name: topic.config for topic in TOPICS if topic.name != STATE_CHANGELOG}
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert channels.keys() == shared.keys()
    for name, channel in channels.items():
        shown = channel["bindings"]["kafka"]["topicConfiguration"]
        assert shown.get("retention.ms") == (int(days) if (days := shared[name].get("retention.ms")) else None)
        assert shown["cleanup.policy"] == [shared[name]["cleanup.policy"]]


@pytest.mark.parametrize(("message", "example"), EXAMPLES)
def test_an_example_is_valid_and_decodes(message: str, example: dict[str, Any]) -> None:
    validator(message, "payload").validate(example["payload"])
    if "headers" in MESSAGES[message]:
        validator(message, "headers").validate(example["headers"])
    if message != "erasure":
        assert getattr(decoded(message, example), "dropped", ()) == ()


def test_every_known_type_has_an_example_and_a_free_one_too() -> None:
    types = [example["name"] for example in MESSAGES["structuredEvent"]["examples"]]
    assert types[:-1] == list(EVENT_DATA)
    assert types[-1] not in EVENT_DATA
    assert [name for name, message in MESSAGES.items() if "examples" not in message] == ["deadLetter"]


def test_schema_and_decoder_refuse_the_same_missing_field() -> None:
    for example in MESSAGES["structuredEvent"]["examples"][:-1]:
        type_, data = example["name"], example["payload"]["data"]
        for field in DOCUMENT["components"]["schemas"][EVENT_DATA[type_].__name__]["required"]:
            less = {**example["payload"], "data": {name: data[name] for name in data if name != field}}
            with pytest.raises(ValidationError):
                validator("structuredEvent", "payload").validate(less)
            with pytest.raises(codec.Refused):
                decoded("structuredEvent", {**example, "payload": less})


def test_milestones_travel_with_the_headers_that_are_written_down() -> None:
    (reached,) = MESSAGES["milestoneReached"]["examples"]
    value, headers = milestone_codec.encode_milestone(decoded("milestoneReached", reached))
    written = {name: text.decode() for name, text in (*headers, milestone_codec.heard_header(1_778_217_120_000))}
    validator("milestoneReached", "headers").validate(written)
    assert written.keys() == MESSAGES["milestoneReached"]["headers"]["properties"].keys()
    assert json.loads(value) == reached["payload"]
    assert not validator("milestoneRetracted", "payload").is_valid(reached["payload"])


def test_dead_letters_travel_with_the_headers_that_are_written_down() -> None:
    batch = Batch(topic="coaching.events.v1", partition=3, start=0, end=1, records=[At(offset=0)])
    letter = dead_letter("x", Refusal(reason="not_json", detail="at 0"), batch, batch.records[0])
    written = {name: text.decode() for name, text in letter.headers}
    validator("deadLetter", "headers").validate(written)
    assert written.keys() <= MESSAGES["deadLetter"]["headers"]["properties"].keys()


def test_version_1_requires_of_a_milestone_what_it_always_required() -> None:
    required = (
        "type tenant client milestone_id revision rule kind name tier threshold occurrence value reached_at rulebook"
    )
    assert DOCUMENT["components"]["schemas"]["Milestone"]["required"] == required.split()
    first = {*required.split(), "moment", "caused_by", "facts"}
    assert set(Milestone.__struct_fields__) >= first, "a field of version 1 went away: that is a version 2"


def test_a_subscriber_of_today_reads_a_milestone_of_tomorrow() -> None:
    (reached,) = MESSAGES["milestoneReached"]["examples"]
    newer = {**reached, "payload": {**reached["payload"], "a_field_of_tomorrow": 1}}
    validator("milestoneReached", "payload").validate(newer["payload"])
    assert decoded("milestoneReached", newer) == decoded("milestoneReached", reached)
