"""Generates the contracts from the shapes that decode, so that they cannot drift.

They are what an integrator reads and validates against: JSON Schemas (2020-12) of single
records, and an AsyncAPI document of the topics. The event's schema has one branch for each
known type, and one for every other `word.word`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.client import Profile
from schemas.contracts.asyncapi import asyncapi
from schemas.contracts.components import change_schemas, event_schema, milestone_schema, model_schema
from schemas.contracts.rulebook_schema import rulebook_schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/{name}"


def contracts() -> dict[str, str]:
    """The text of each contract by its file name."""
    rulebook = rulebook_schema()
    schemas = {
        "event": _titled("An event, as a structured CloudEvent", *event_schema(_DEFINITIONS)),
        "milestone": _titled("A milestone, reached or withdrawn", *milestone_schema(_DEFINITIONS)),
        "change": _titled("A change of a celebration or of a delivery", *change_schemas(_DEFINITIONS)),
        "profile": _titled("A client profile", *model_schema(Profile, _DEFINITIONS)),
        "rulebook": _titled("A rulebook", rulebook, rulebook.pop("$defs")),
    }
    return {f"{name}.schema.json": _text(schema) for name, schema in schemas.items()} | {"asyncapi.yaml": asyncapi()}


def _titled(title: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **schema, "$defs": definitions, "title": title}


def _text(schema: Mapping[str, Any]) -> str:
    compact = msgspec.json.encode(schema, order="deterministic")
    return msgspec.json.format(compact, indent=2).decode() + "\n"
