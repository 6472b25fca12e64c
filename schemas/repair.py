"""Repair: a record with a wrong field is looked at again, field by field.

A wrong optional field is left out and named, a wrong required one refuses the record: one
bad title must not cost a client their milestone. Only what the fast decoder refused comes
here, so that valid records pay nothing.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, ValidationError

from schemas.event import FreeValue
from schemas.refusal import Refused


def keep_valid(
    shape: type[Struct], fields: Mapping[str, Raw], *, reason: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments of a struct without its wrong optional fields, and the names of those.

    Raises:
        Refused: with the given reason, when a required field is missing or wrong.
    """
    kept: dict[str, Any] = {}
    dropped = []
    for spec in msgspec.structs.fields(shape):
        raw = fields.get(spec.encode_name)
        if raw is None:
            if spec.required:
                raise Refused(reason, f"{spec.encode_name} is missing")
            continue
        try:
            kept[spec.name] = msgspec.json.decode(raw, type=spec.type)
        except ValidationError as error:
            if spec.required:
                raise Refused(reason, f"{spec.encode_name}: {error}") from None
            dropped.append(spec.encode_name)
    return kept, tuple(dropped)


def keep_scalars(fields: Mapping[str, Raw]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The flat fields of a free type's data, and the names of those that are not flat."""
    kept: dict[str, Any] = {}
    dropped = []
    for name, raw in fields.items():
        try:
            kept[name] = msgspec.json.decode(raw, type=str if name == "timezone" else FreeValue)
        except ValidationError:
            dropped.append(f"data.{name}")
    return kept, tuple(dropped)
