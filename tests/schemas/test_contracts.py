"""The published schemas are those of the shapes that decode."""

import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import contracts as folder
from schemas.contracts.generate import contracts
from schemas.event import EVENT_DATA
from schemas.whens import KINDS


@pytest.mark.parametrize("name", sorted(contracts()))
def test_a_contract_is_current(name: str) -> None:
    published = Path(folder.__file__).with_name(name).read_text(encoding="utf-8")
    assert published == contracts()[name], "run python -m schemas.contracts"


def test_the_contracts_are_written_by_their_own_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["contracts", str(tmp_path)])
    runpy.run_module("schemas.contracts", run_name="__main__")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == contracts()


def test_the_event_contract_names_every_known_type() -> None:
    schema = json.loads(contracts()["event.schema.json"])
    branches = [branch["if"]["properties"]["type"]["const"] for branch in schema["allOf"][:-1]]
    assert branches == list(EVENT_DATA)
    assert all(branch["then"]["properties"]["data"]["$ref"].startswith("#/$defs/") for branch in schema["allOf"][:-1])


RULEBOOK = json.loads(contracts()["rulebook.schema.json"])


def _properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for shape in (RULEBOOK, *RULEBOOK["$defs"].values()):
        yield from ((f"{shape['title']}.{name}", value) for name, value in shape["properties"].items())


def test_an_editor_can_explain_every_word_of_a_rulebook() -> None:
    for name, value in _properties():
        assert value["description"].endswith("."), name
        assert "title" not in value, name


def test_an_editor_offers_what_stands_beside_a_rule() -> None:
    assert {"when", "settle", "clients", "reward", "next"} <= RULEBOOK["$defs"]["Rule"]["properties"].keys()


def test_an_editor_knows_every_kind_and_offers_every_known_type() -> None:
    kinds = [each["$ref"].rpartition("/")[2] for each in RULEBOOK["$defs"]["Rule"]["properties"]["when"]["oneOf"]]
    assert len(kinds) == len(KINDS)
    assert RULEBOOK["$defs"]["CountWhen"]["properties"]["count"]["anyOf"][0]["enum"] == list(EVENT_DATA)


def test_a_default_is_written_as_a_person_would_write_it() -> None:
    patterned = [(name, value) for name, value in _properties() if "default" in value and "pattern" in value]
    assert {"TierPolicy.expires", "QuietHours.from", "DateWhen.at"} <= {name for name, _ in patterned}
    for name, value in patterned:
        assert re.search(value["pattern"], value["default"]), name
