"""Writes a contract as YAML that people read: texts of several lines as they are, every value in its place."""

from typing import Any

import yaml

from schemas.contracts.components import without_margins

_LINE_CHARS = 110


def readable_yaml(document: dict[str, Any]) -> str:
    """The document, in its own order, with the margins of the code taken out of its descriptions."""
    return yaml.dump(
        without_margins(document), Dumper=_Readable, sort_keys=False, allow_unicode=True, width=_LINE_CHARS
    )


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines as they are, and every value in its place instead of an alias."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)
