"""The published schemas are those of the shapes that decode."""

import json
from pathlib import Path

import pytest

from schemas import contracts as folder
from schemas.contracts.generate import contracts
from schemas.event import EVENT_DATA


@pytest.mark.parametrize("name", sorted(contracts()))
def test_a_contract_is_current(name: str) -> None:
    published = Path(folder.__file__).with_name(name).read_text(encoding="utf-8")
    assert published == contracts()[name], "run python -m schemas.contracts"


def test_the_event_contract_names_every_known_type() -> None:
    schema = json.loads(contracts()["event.schema.json"])
    branches = [branch["if"]["properties"]["type"]["const"] for branch in schema["allOf"][:-1]]
    assert branches == list(EVENT_DATA)
    assert all(branch["then"]["properties"]["data"]["$ref"].startswith("#/$defs/") for branch in schema["allOf"][:-1])
