"""The JSON Schema of a rulebook, made for editors: each word explained where it is typed.

The explanations are the attributes' lines in the docstrings of the shapes, so that they are
written once. What this version refuses by its name is left out: an editor should not offer it.
"""

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from schemas.rulebook import RulebookFile

_SECTION = "\n\nAttributes:\n"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)
_SHORT = {"P1D": "24h", "PT4H": "4h", "21:00:00": "21:00", "08:00:00": "08:00"}
"""Defaults as people write them."""


def rulebook_schema() -> dict[str, Any]:
    """The schema without the dialect, each property with its description."""
    schema = RulebookFile.model_json_schema()
    for shape in (schema, *schema["$defs"].values()):
        _explain(shape)
    return schema


def _explain(shape: dict[str, Any]) -> None:
    text, _, attributes = cleandoc(shape["description"]).partition(_SECTION)
    said = {name: _sentence(meaning) for name, meaning in _ATTRIBUTE.findall(attributes)}
    shape["description"] = text
    decided = {name: value for name, value in shape["properties"].items() if value.get("type") != "null"}
    shape["properties"] = {name: {**_typed(value), "description": said[name]} for name, value in decided.items()}


def _sentence(meaning: str) -> str:
    text = " ".join(meaning.split())
    first = text.split(maxsplit=1)[0]
    return text[0].upper() + text[1:] if first.isalpha() else text


def _typed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A property without the title that says its name again, and with its default as people write it."""
    kept = {word: part for word, part in value.items() if word != "title"}
    default = value.get("default")
    return {**kept, "default": _SHORT[default]} if isinstance(default, str) and default in _SHORT else kept
