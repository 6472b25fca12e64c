"""Templates that a rulebook's experiments name and nobody has written.

A variant without its words would quietly be answered like all others, and the experiment would
compare a thing with itself. Words are looked for in our own templates and in the folder
`templates/` beside the rulebook, in any language and for any channel.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.tenants import STARTER_RULEBOOK
from schemas import yaml_lines
from schemas.rulebook import Rulebook, RulebookErrors
from schemas.rulebook_faults import Fault, shown, suggestion

_OURS = STARTER_RULEBOOK.parents[1] / "templates"


def refuse_unknown_templates(
    rulebook: Rulebook, places: Mapping[yaml_lines.Path, yaml_lines.Place], rules: Path
) -> None:
    """Do nothing when every variant's words are there; `rules` is the rulebook's file.

    Raises:
        RulebookErrors: with each that is not.
    """
    if faults := tuple(_unknown(rulebook, places, rules.parent)):
        raise RulebookErrors(str(rules), faults)


def _unknown(rulebook: Rulebook, places: Mapping[yaml_lines.Path, yaml_lines.Place], folder: Path) -> Iterator[Fault]:
    known = sorted({path.name.split(".")[0] for at in (_OURS, folder / "templates") for path in at.rglob("*.txt")})
    for index, experiment in enumerate(rulebook.policy.experiments):
        for name, variant in experiment.variants.items():
            if variant.template is not None and variant.template not in known:
                path: yaml_lines.Path = ("experiments", index, "variants", name, "template")
                text = f"no template has this name: {variant.template}{suggestion(variant.template, known)}"
                yield Fault(place=places[path], path=shown(path), text=text)
