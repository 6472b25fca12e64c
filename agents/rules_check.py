"""`cairn rules check`: whether a rulebook holds up, with every error at once and its line.

What is allowed and hardly meant is a warning and changes no status. With a log of events
the rulebook is also tried: clients who would be celebrated too often are warnings as well.
Nothing is decided here: the log is folded by `streams.tracking.replay`.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from agents.confetti import confetti_of
from agents.log_lines import read_lines, read_profiles
from agents.replay import collector_off
from agents.unknown_templates import refuse_unknown_templates
from schemas import yaml_lines
from schemas.milestone import Milestone
from schemas.rulebook import Rulebook, RulebookErrors, read_rulebook
from schemas.rulebook_doubts import doubts
from schemas.rulebook_faults import Fault
from streams.tracking.compiling import compile_rulebook
from streams.tracking.replay import RefusedLine, replay

EXIT_OK, EXIT_NO, EXIT_INVALID = 0, 1, 2

Places = Mapping[yaml_lines.Path, yaml_lines.Place]


def run_rules_check(
    rules: Path, *, against: Path | None = None, clients: Path | None = None,
    out: TextIO | None = None, err: TextIO | None = None,
) -> int:  # fmt: skip
    """Check a rulebook and say what is wrong, what is doubtful, and what it holds.

    Args:
        rules: the rulebook.
        against: a log, one event a line, that the rulebook is tried on.
        clients: the profiles for that log, one a line.
        out: where the answer and warnings go; standard output by default.
        err: where errors and refused lines go; standard error by default.

    Returns:
        0 if it may be used, 1 if it has errors, 2 if a file could not be read or lines were refused.
    """
    out, err = out or sys.stdout, err or sys.stderr
    try:
        rulebook, places = read_rulebook(rules.read_text(encoding="utf-8"), str(rules))
        refuse_unknown_templates(rulebook, places, rules)
        warnings, refused = doubts(rulebook, places), 0
        if against is not None:
            crowded, refused = _tried(rulebook, places, against, clients, err)
            warnings = (*warnings, *crowded)
    except RulebookErrors as errors:
        err.write(f"{errors}\n")
        return EXIT_NO
    except UnicodeDecodeError as error:
        err.write(f"{rules}: cannot be read: {error}\n")
        return EXIT_INVALID
    except OSError as error:
        err.write(f"{error.filename}: cannot be read: {error.strerror}\n")
        return EXIT_INVALID
    _tell(rules, rulebook, warnings, out)
    return EXIT_INVALID if refused else EXIT_OK


def _tell(rules: Path, rulebook: Rulebook, warnings: Iterable[Fault], out: TextIO) -> None:
    for warning in warnings:
        place = warning.place
        out.write(f"{rules}:{place.line}:{place.column}: warning: {warning.text}\n")
    enabled = sum(rule.enabled for rule in rulebook.rules)
    out.write(
        f"{rules}: valid, {enabled} of {len(rulebook.rules)} rules enabled, "
        f"version {rulebook.version}, digest {rulebook.digest}\n"
    )


def _tried(
    rulebook: Rulebook, places: Places, against: Path, clients: Path | None, err: TextIO
) -> tuple[tuple[Fault, ...], int]:
    """The warnings that a log gives rise to, and how many lines were refused."""
    profiles, refused = read_profiles(clients, err)
    reached: list[Milestone] = []
    with against.open("rb") as log, collector_off():
        for found in replay(read_lines(log), compile_rulebook(rulebook), profiles=profiles):
            if isinstance(found, RefusedLine):
                refused += 1
                err.write(f"{against}:{found.number}: {found.refusal}\n")
            else:
                reached.append(found)
    index_of = {rule.id: index for index, rule in enumerate(rulebook.rules)}
    warnings = (
        Fault(place=places["rules", index_of[confetti.rule]], path="", text=str(confetti))
        for confetti in confetti_of(reached)
    )
    return tuple(warnings), refused
