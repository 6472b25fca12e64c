"""Links of a rulebook: what only the whole file can tell about one of its rules.

They are asked of the raw value, so that no other error hides them: a rule whose tier is
wrong still is the rule that a lapse names.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.rulebook_faults import Fault, shown, suggestion
from schemas.yaml_lines import Path, Place

Rules = Mapping[int, Mapping[str, Any]]


def broken_links(value: Any, places: Mapping[Path, Place]) -> tuple[Fault, ...]:
    """Ids that stand twice, and lapses of rules that are not there, no streaks or switched off."""
    rules = value.get("rules") if isinstance(value, dict) else None
    found = {
        index: rule for index, rule in enumerate(rules if isinstance(rules, list) else ()) if isinstance(rule, dict)
    }
    return tuple(
        Fault(place=places[path], path=shown(path), text=text) for path, text in (*_double_ids(found), *_lapses(found))
    )


def _double_ids(rules: Rules) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for index, rule in rules.items():
        if "id" not in rule:
            continue
        rule_id = str(rule["id"])
        if rule_id in seen:
            yield ("rules", index, "id"), f"another rule has the id {rule_id}"
        seen.add(rule_id)


def _lapses(rules: Rules) -> Iterator[tuple[Path, str]]:
    by_id = {str(rule.get("id")): rule for rule in rules.values()}
    streaks = {rule_id for rule_id, rule in by_id.items() if "streak" in _when(rule)}
    for index, rule in rules.items():
        target = _when(rule).get("lapse")
        if not isinstance(target, str):
            continue
        path: Path = ("rules", index, "when", "lapse")
        if target not in by_id:
            yield path, f"no streak rule of this file has the id {target}{suggestion(target, sorted(streaks))}"
        elif target not in streaks:
            yield path, f"{target} is no streak rule{suggestion(target, sorted(streaks))}"
        elif by_id[target].get("enabled") is False and rule.get("enabled") is not False:
            yield path, f"the streak rule {target} is not enabled: enable it, or disable this one"


def _when(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    when = rule.get("when")
    return when if isinstance(when, dict) else {}
