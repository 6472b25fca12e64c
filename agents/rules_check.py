"""`cairn rules check`: whether a rulebook holds up, with every error at once and its line."""

import sys
from pathlib import Path
from typing import TextIO

from schemas.rulebook import RulebookErrors, load_rulebook

EXIT_OK, EXIT_INVALID = 0, 1


def run_rules_check(rules: Path, *, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Check a rulebook and say what is wrong, or what it holds.

    Returns:
        0 if it may be used, else 1.
    """
    out, err = out or sys.stdout, err or sys.stderr
    try:
        rulebook = load_rulebook(rules.read_text(encoding="utf-8"), str(rules))
    except RulebookErrors as errors:
        err.write(f"{errors}\n")
        return EXIT_INVALID
    except (OSError, UnicodeDecodeError) as error:
        err.write(f"{rules}: cannot be read: {error}\n")
        return EXIT_INVALID
    enabled = sum(rule.enabled for rule in rulebook.rules)
    out.write(
        f"{rules}: valid, {enabled} of {len(rulebook.rules)} rules enabled, "
        f"version {rulebook.version}, digest {rulebook.digest}\n"
    )
    return EXIT_OK
