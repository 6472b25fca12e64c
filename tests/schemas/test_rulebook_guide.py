"""The coaches' guide names every word of a rulebook and no other, and each of its examples holds up."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.contracts.generate import contracts
from schemas.event import EVENT_DATA, Data
from schemas.rulebook import Rulebook, RulebookErrors, load_rulebook
from schemas.whens import KINDS
from schemas.yaml_lines import read_yaml

GUIDE = (Path(__file__).parents[2] / "docs" / "rulebook.md").read_text(encoding="utf-8")
SCHEMA = json.loads(contracts()["rulebook.schema.json"])
SHAPES = {
    "The file": SCHEMA["title"],
    "rules": "Rule",
    "clients": "Audience",
    **{kind: f"{kind.capitalize()}When" for kind in KINDS},
    "defaults": "Defaults",
    "tiers": "TierPolicy",
    "cap": "Cap",
    "budget": "Budget",
    "quiet_hours": "QuietHours",
    "hold_out": "HoldOut",
    "reward": "Reward",
    "follow_up": "FollowUp",
    "by_hand": "Clients",
    "surge": "Surge",
    "experiments": "Experiment",
    "variants": "Variant",
}
COUNTED = {"id": "a", "tier": "major", "when": {"count": "session.completed", "reaches": [1]}}
ABOUT = ({"tiers": ["program"]}, {})
STREAK = {"id": "iron-streak", "tier": "streak", "when": {"streak": "habit.checked", "days": [14]}}


def _rows() -> Iterator[tuple[str, str, str]]:
    """Section, word and example of each line of a table."""
    section = ""
    for line in GUIDE.splitlines():
        if heading := re.match(r"##+ (?:`(\w+)`|(.+))", line):
            section = heading[1] or heading[2]
        elif row := re.fullmatch(r"\| `(\w+)` \| .+ \| `(.+)` \|", line):
            yield section, row[1], row[2]


def _load(value: object) -> Rulebook:
    return load_rulebook(json.dumps(value), "guide")


def _placed(section: str, example: Any) -> Iterator[dict[str, Any]]:
    """Rulebooks with an example where its section says that it stands; one of them has to hold up."""
    below = {
        "The file": example,
        "tiers": {"tiers": {"major": {"channels": ["email", "sms"], **example}}},
        "cap": {"tiers": {"major": {"channels": ["email"], "cap": example}}},
        "follow_up": {"tiers": {"major": {"channels": ["email", "sms"], "follow_up": example}}},
    }
    if section in {"experiments", "variants"}:
        whole = {"id": "e", "variants": {"a": {}, "b": example if section == "variants" else {}}}
        said = example if section == "experiments" else {}
        yield from ({"rules": [COUNTED, STREAK], "experiments": [{**whole, **about, **said}]} for about in ABOUT)
    elif section in KINDS:
        yield {"rules": [STREAK, {**COUNTED, "when": example}]}
    elif section in {"rules", "clients", "reward"}:
        part = example if section == "rules" else {section: example}
        yield from ({"rules": [{**rule, **part}]} for rule in (COUNTED, STREAK))
    else:
        yield {"rules": [], **below.get(section, {section: example})}


@pytest.mark.parametrize("section", SHAPES)
def test_every_word_has_its_line_and_no_line_is_about_another(section: str) -> None:
    shapes = {shape["title"]: shape for shape in (SCHEMA, *SCHEMA["$defs"].values())}
    told = [word for where, word, _ in _rows() if where == section]
    assert sorted(told) == sorted(shapes[SHAPES[section]]["properties"])


def test_every_shape_has_its_section() -> None:
    assert set(SHAPES.values()) == {SCHEMA["title"], *SCHEMA["$defs"]}
    assert {section for section, _, _ in _rows()} == set(SHAPES)


@pytest.mark.parametrize(("section", "word", "example"), list(_rows()))
def test_an_example_shows_its_word_and_holds_up(section: str, word: str, example: str) -> None:
    value, _ = read_yaml(example)
    assert word in value
    refused = []
    for rulebook in _placed(section, value):
        try:
            _load(rulebook)
        except RulebookErrors as errors:
            refused.append(errors)
    assert len(refused) < len(list(_placed(section, value))), refused


def test_the_rules_that_stand_between_hold_up_together() -> None:
    lines = "".join(re.findall(r"^```yaml\n(.+?)^```", GUIDE, re.MULTILINE | re.DOTALL))
    rulebook = load_rulebook(f"rules:\n{lines}", "guide")
    assert {rule.when.kind for rule in rulebook.rules} == set(KINDS)


def test_every_event_is_listed_with_its_fields() -> None:
    listed = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.*) \|$", GUIDE, re.MULTILINE))
    common = {spec.name for spec in msgspec.structs.fields(Data)}
    assert listed == {
        name: ", ".join(f"`{spec.encode_name}`" for spec in msgspec.structs.fields(shape) if spec.name not in common)
        for name, shape in EVENT_DATA.items()
    }
