"""Generates the JSON Schemas (2020-12) from the shapes that decode, so that they cannot drift.

They are what an integrator reads and validates against. The event's schema has one branch
for each known type, and one for every other `word.word`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.client import Profile
from schemas.contracts.rulebook_schema import rulebook_schema
from schemas.event import EVENT_DATA, Envelope, FreeValue
from schemas.milestone import Milestone

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/{name}"


def contracts() -> dict[str, str]:
    """The text of each schema by its file name."""
    return {
        "event.schema.json": _text(_event()),
        "milestone.schema.json": _text(_from_struct(Milestone, "A milestone, reached or withdrawn")),
        "profile.schema.json": _text(_from_model(Profile.model_json_schema(), "A client profile")),
        "rulebook.schema.json": _text(_from_model(rulebook_schema(), "A rulebook")),
    }


def _event() -> dict[str, Any]:
    shapes = [Envelope, *EVENT_DATA.values(), dict[str, FreeValue]]
    schemas, definitions = msgspec.json.schema_components(shapes, ref_template=_DEFINITIONS)
    *known, free = schemas[1:]
    branches = [
        {"if": _is_type(name), "then": {"properties": {"data": shape}, **_required(definitions, shape)}}
        for name, shape in zip(EVENT_DATA, known, strict=True)
    ]
    other = {"if": {"not": {"properties": {"type": {"enum": list(EVENT_DATA)}}}},
             "then": {"properties": {"data": free}}}  # fmt: skip
    return {
        "$schema": _DIALECT,
        "title": "An event, as a structured CloudEvent",
        **schemas[0],
        "allOf": [*branches, other],
        "$defs": definitions,
    }


def _is_type(name: str) -> dict[str, Any]:
    return {"properties": {"type": {"const": name}}}


def _required(definitions: Mapping[str, Any], shape: Mapping[str, str]) -> dict[str, Any]:
    """That data must be there, if the shape has a field that must be."""
    definition = definitions[shape["$ref"].rpartition("/")[2]]
    return {"required": ["data"]} if definition["required"] else {}


def _from_struct(shape: type[msgspec.Struct], title: str) -> dict[str, Any]:
    (schema,), definitions = msgspec.json.schema_components([shape], ref_template=_DEFINITIONS)
    return {"$schema": _DIALECT, **schema, "$defs": definitions, "title": title}


def _from_model(schema: Mapping[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, **schema, "title": title}


def _text(schema: Mapping[str, Any]) -> str:
    compact = msgspec.json.encode(schema, order="deterministic")
    return msgspec.json.format(compact, indent=2).decode() + "\n"
