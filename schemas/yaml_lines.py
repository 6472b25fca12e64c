"""YAML with places: the plain value of a document, and the line of each of its parts.

The subset is small on purpose: no tags, no anchors (an alias bomb has no place in a
rulebook), no two equal keys, and the scalars of YAML 1.2, so that `21:00` is text and `no`
is a word. JSON is a subset and is read by the same way.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

_PLAIN_TAGS = {
    "tag:yaml.org,2002:str",
    "tag:yaml.org,2002:map",
    "tag:yaml.org,2002:seq",
}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
MAX_CHARS = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands in the text, both counted from 1."""

    line: int
    column: int


class YamlFault(ValueError):
    """The text is not a document that may be read; `place` says where."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place
        self.text = text


def read_yaml(text: str) -> tuple[Any, dict[Path, Place]]:
    """The value of a document, and the place of each key and item by its path.

    Raises:
        YamlFault: not YAML, or more of YAML than is allowed here.
    """
    if len(text) > MAX_CHARS:
        raise YamlFault(Place(line=1, column=1), f"the text is longer than {MAX_CHARS} characters")
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not
    places: dict[Path, Place] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        return (None if node is None else _value(node, (), places)), places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
        raise YamlFault(place, error.problem or "not YAML") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlFault(Place(line=1, column=1), f"not YAML: {error}") from None


class _Loader(yaml.BaseLoader):
    """Composes nodes without meaning, and without aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML's stubs leave it open
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", event.start_mark)
        return super().compose_node(parent, index)


def _value(node: yaml.Node, path: Path, places: dict[Path, Place]) -> Any:
    places.setdefault(path, _place(node))
    if node.tag not in _PLAIN_TAGS:
        raise YamlFault(_place(node), f"tags are not allowed here: {node.tag}")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), places) for index, item in enumerate(node.value)]
    return _scalar(node.value, quoted=isinstance(node, yaml.ScalarNode) and node.style is not None)


def _mapping(node: yaml.MappingNode, path: Path, places: dict[Path, Place]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFault(_place(key_node), "a key must be a word")
        key = _joined(key_node.value)
        if key in found:
            raise YamlFault(_place(key_node), f"{key} stands here twice")
        places[*path, key] = _place(key_node)
        found[key] = _value(value_node, (*path, key), places)
    return found


def _scalar(text: str, *, quoted: bool) -> str | int | float | bool | None:
    if quoted:
        return _joined(text)
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else _joined(text)


def _joined(text: str) -> str:
    """The text with the surrogate pairs joined that JSON escapes leave behind."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _place(node: yaml.Node) -> Place:
    return Place(line=node.start_mark.line + 1, column=node.start_mark.column + 1)
