"""The alerts fit the code: they ask for metrics and labels that there are, and point to what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_interface import OPERATE, metric_names

_ROOT = Path(__file__).parents[1]
_FOLDER = _ROOT / "deploy" / "prometheus"
_ALERTS: dict[str, Any] = yaml.safe_load((_FOLDER / "alerts.yml").read_text(encoding="utf-8"))
_RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in _ALERTS["groups"] for rule in group["rules"]}
_OF_THE_SCRAPE = {"job", "instance"}


def labels_asked(expression: str) -> set[str]:
    """The labels that an expression selects or groups by."""
    selected = {
        name for within in re.findall(r"\{([^}]*)\}", expression) for name in re.findall(r"(\w+)\s*[=!]", within)
    }
    return selected | labels_kept(expression)


def labels_kept(expression: str) -> set[str]:
    return {name for within in re.findall(r"\bby \(([^)]*)\)", expression) for name in re.findall(r"\w+", within)}


def anchors(page: str) -> set[str]:
    """The names by which a page's sections are linked."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_alert_has_a_name_of_its_own() -> None:
    assert len(_RULES) == sum(len(group["rules"]) for group in _ALERTS["groups"]) > 0


@pytest.mark.parametrize("name", _RULES)
def test_an_alert_asks_for_metrics_and_labels_that_there_are(name: str) -> None:
    known, expression = metric_names(), _RULES[name]["expr"]
    asked = set(re.findall(r"\bcairn_\w+", expression))
    assert asked
    assert asked <= known.keys()
    assert labels_asked(expression) <= _OF_THE_SCRAPE.union(*(known[metric][0] for metric in asked))


@pytest.mark.parametrize("name", _RULES)
def test_an_alert_says_what_is_wrong_and_points_to_the_section_that_says_what_to_do(name: str) -> None:
    told = _RULES[name]["annotations"]
    assert set(re.findall(r"\$labels\.(\w+)", told["summary"])) <= labels_kept(_RULES[name]["expr"])
    page, _, section = told["runbook"].partition("#")
    assert page == "docs/operate.md"
    assert section in anchors(OPERATE)
    assert f"`{name}`" in OPERATE, "the section names it"


def test_prometheus_loads_the_alerts_from_beside_its_configuration() -> None:
    configuration = yaml.safe_load((_FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert configuration["rule_files"] == ["alerts.yml"]
    compose = yaml.safe_load((_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert "./deploy/prometheus:/etc/prometheus:ro" in compose["services"]["prometheus"]["volumes"]
