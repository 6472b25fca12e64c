"""Links of experiments: what only the whole rulebook can tell about one.

They are asked of the raw value, as `schemas.rulebook_links` asks, so that no other error hides
them. Whether a template has its file is asked when a tenant's folder is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.rulebook_faults import Fault, shown, suggestion
from schemas.yaml_lines import Path, Place

Said = tuple[Path, str]
_LIGHT = ("micro", "streak")
_WHICH = "nobody could say which of the two made the difference"


def broken_experiments(value: Any, places: Mapping[Path, Place]) -> tuple[Fault, ...]:
    """Ids that stand twice, rules that are not there or in two experiments, and money where none may be spent."""
    file = _mapping(value)
    rules = {str(rule["id"]): rule for rule in _mappings(file.get("rules")).values() if "id" in rule}
    experiments = _mappings(file.get("experiments"))
    found = (*_double_ids(experiments), *_unknown_rules(experiments, rules), *_overlaps(experiments, rules),
             *_money(experiments, rules))  # fmt: skip
    return tuple(Fault(place=places[path], path=shown(path), text=text) for path, text in found)


Table = Mapping[int, Mapping[str, Any]]
Rules = Mapping[str, Mapping[str, Any]]


def _double_ids(experiments: Table) -> Iterator[Said]:
    seen: set[str] = set()
    for index, experiment in experiments.items():
        name = _name(experiment, index)
        if name in seen:
            yield (
                ("experiments", index, "id"),
                f"another experiment has the id {name}: one would move the other's clients",
            )
        seen.add(name)


def _unknown_rules(experiments: Table, rules: Rules) -> Iterator[Said]:
    for index, experiment in experiments.items():
        for number, rule in enumerate(_texts(experiment.get("rules"))):
            if rule not in rules:
                path: Path = ("experiments", index, "rules", number)
                yield path, f"no rule of this file has the id {rule}{suggestion(rule, sorted(rules))}"


def _overlaps(experiments: Table, rules: Rules) -> Iterator[Said]:
    """Each rule that a second experiment is about, named where the second one is."""
    taken: dict[str, str] = {}
    for index, experiment in experiments.items():
        name, mine = _name(experiment, index), _about(experiment, rules)
        for rule in dict.fromkeys(mine):
            if rule in taken:
                path: Path = ("experiments", index, "rules" if "rules" in experiment else "tiers")
                yield path, f"{rule} is in the experiment {taken[rule]} already: {_WHICH}"
        taken = {**dict.fromkeys(mine, name), **taken}


def _money(experiments: Table, rules: Rules) -> Iterator[Said]:
    for index, experiment in experiments.items():
        light = _light(experiment, rules)
        if light is None:
            continue
        for name, variant in _mapping(experiment.get("variants")).items():
            for number, channel in enumerate(_texts(_mapping(variant).get("channels"))):
                if channel == "gift":
                    path: Path = ("experiments", index, "variants", name, "channels", number)
                    yield path, f"a {light} milestone costs nothing: take the gift out"


def _light(experiment: Mapping[str, Any], rules: Rules) -> str | None:
    """A tier that costs nothing and that the experiment is about."""
    tiers = (str(rules[name].get("tier")) if name in rules else name for name in _about(experiment, rules))
    return next((tier for tier in tiers if tier in _LIGHT), None)


def _about(experiment: Mapping[str, Any], rules: Rules) -> list[str]:
    """The rules whose milestones take part; a tier that no rule is of stands for itself."""
    named = [rule for rule in _texts(experiment.get("rules")) if rule in rules]
    for tier in _texts(experiment.get("tiers")):
        named += [rule for rule, said in rules.items() if said.get("tier") == tier] or [tier]
    return named


def _name(experiment: Mapping[str, Any], index: int) -> str:
    return str(experiment.get("id", index))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Table:
    items = value if isinstance(value, list) else ()
    return {index: item for index, item in enumerate(items) if isinstance(item, dict)}


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
