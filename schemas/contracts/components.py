"""The JSON Schemas of what travels, built from the shapes that decode.

One builder serves the single files, whose definitions lie in `$defs`, and the AsyncAPI
document, whose definitions lie in `components`: a reference is spelled by the caller.
"""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from pydantic import BaseModel

from schemas.change import CelebrationChanged, DeliveryChanged
from schemas.event import EVENT_DATA, Envelope, FreeValue
from schemas.milestone import Milestone

Schema = dict[str, Any]


def event_schema(ref: str) -> tuple[Schema, dict[str, Schema]]:
    """The structured event, one branch a known type and one for all others, and its definitions.

    Args:
        ref: how a definition is referred to, with `{name}` in it.
    """
    shapes = [Envelope, *EVENT_DATA.values(), dict[str, FreeValue]]
    schemas, definitions = msgspec.json.schema_components(shapes, ref_template=ref)
    *known, free = schemas[1:]
    branches = [
        {"if": _is_type(name), "then": {"properties": {"data": shape}, **_required(definitions, shape)}}
        for name, shape in zip(EVENT_DATA, known, strict=True)
    ]
    other = {"if": {"not": {"properties": {"type": {"enum": list(EVENT_DATA)}}}},
             "then": {"properties": {"data": free}}}  # fmt: skip
    return {**schemas[0], "allOf": [*branches, other]}, definitions


def milestone_schema(ref: str) -> tuple[Schema, dict[str, Schema]]:
    """The milestone and its definitions."""
    (schema,), definitions = msgspec.json.schema_components([Milestone], ref_template=ref)
    return schema, definitions


def change_schemas(ref: str) -> tuple[Schema, dict[str, Schema]]:
    """A change, of a delivery or of a celebration as a whole, and the definitions."""
    shapes, definitions = msgspec.json.schema_components([DeliveryChanged, CelebrationChanged], ref_template=ref)
    return {"oneOf": list(shapes)}, definitions


def model_schema(model: type[BaseModel], ref: str) -> tuple[Schema, dict[str, Schema]]:
    """A pydantic model and its definitions."""
    schema = model.model_json_schema(ref_template=ref.replace("{name}", "{model}"))
    return schema, schema.pop("$defs", {})


def envelope_headers() -> Schema:
    """The CloudEvents attributes of an event in binary mode: a header each, `ce_` before its name."""
    _, definitions = msgspec.json.schema_components([Envelope])
    envelope = definitions["Envelope"]
    return {
        "type": "object",
        "properties": {f"ce_{name}": _as_text(shape) for name, shape in envelope["properties"].items()},
        "required": ["ce_specversion", *(f"ce_{name}" for name in envelope["required"])],
    }


def without_margins(schema: Any) -> Any:
    """The schema with the indentation of the code taken out of its descriptions."""
    if isinstance(schema, dict):
        return {
            name: cleandoc(value) if name == "description" and isinstance(value, str) else without_margins(value)
            for name, value in schema.items()
        }
    return [without_margins(value) for value in schema] if isinstance(schema, list | tuple) else schema


def _is_type(name: str) -> Schema:
    return {"properties": {"type": {"const": name}}}


def _required(definitions: Mapping[str, Any], shape: Mapping[str, str]) -> Schema:
    """That data must be there, if the shape has a field that must be."""
    definition = definitions[shape["$ref"].rpartition("/")[2]]
    return {"required": ["data"]} if definition["required"] else {}


def _as_text(shape: Schema) -> Schema:
    """What a header may hold: text, also for what is a boolean in JSON; absent instead of null."""
    present = next((branch for branch in shape.get("anyOf", ()) if branch.get("type") != "null"), shape)
    if present.get("type") == "boolean":
        return {"type": "string", "enum": ["true", "false"]}
    return {name: value for name, value in present.items() if name != "default"}
