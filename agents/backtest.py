"""`cairn backtest`: a log folded under two rulebooks, and the difference for people or programs.

It decides nothing: both folds are `streams.tracking.replay`, which is what `cairn replay` and
the service run. The log is read once for each rulebook, so that memory holds the states of one
fold; standard input is written to a temporary file first.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import msgspec
from rich.console import Console

from agents.comparison import Celebrations, Figures, Side, compare, count, in_all
from agents.comparison_view import sentences, show_comparison
from agents.log_lines import read_lines, read_profiles
from agents.progress import ProgressBar
from agents.replay import collector_off
from agents.rule_changes import RuleChange, rule_changes
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.rulebook import Rulebook, RulebookErrors, load_rulebook
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.replay import replay

EXIT_OK, EXIT_REFUSED = 0, 2
_TOLD_EVERY_LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Two rulebooks, and what they are compared on.

    Attributes:
        rules: the rulebook that is tried.
        against: the rulebook that it is compared with.
        log: the log, one event a line; `-` reads standard input.
        clients: profiles, one a line.
        until: where both folds end and what is due fires; aware.
    """

    rules: Path
    against: Path
    log: str
    clients: Path | None = None
    until: datetime | None = None


def run_backtest(trial: Trial, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Compare two rulebooks on a log and say what differs.

    Args:
        trial: what is compared.
        as_json: print one JSON object instead of tables.
        out: where the comparison goes; standard output by default.
        err: where refusals and the progress go; standard error by default.

    Returns:
        0, or 2 if a file could not be used at all or lines were refused.
    """
    out, err = out or sys.stdout, err or sys.stderr
    try:
        old, new = (load_rulebook(path.read_text(encoding="utf-8"), str(path)) for path in (trial.against, trial.rules))
        profiles, refused = read_profiles(trial.clients, err)
        with ExitStack() as stack:
            file = stack.enter_context(_rereadable(trial.log))
            fold = _Folding(file, profiles, None if trial.until is None else to_ms(trial.until), err)
            before = Side(rulebook=old, celebrations=fold.under(old, trial.against.name))
            after = Side(rulebook=new, celebrations=fold.under(new, trial.rules.name))
    except (OSError, UnicodeDecodeError, RulebookErrors) as error:
        err.write(f"{error}\n")
        return EXIT_REFUSED
    changes = rule_changes(old, new)
    if as_json:
        out.write(msgspec.json.encode(_as_data(before, after, changes, fold)).decode() + "\n")
    else:
        show_comparison(Console(file=out), before, after, changes)
    refused += len(fold.refused)
    if refused:
        err.write(f"{refused} lines were refused; the figures are without them.\n")
    return EXIT_REFUSED if refused else EXIT_OK


def _rereadable(log: str) -> BinaryIO:
    """The log as a file that can be read twice."""
    if log != "-":
        return Path(log).open("rb")
    spooled = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed by the caller
    shutil.copyfileobj(sys.stdin.buffer, spooled)
    return spooled


class _Folding:
    """Folds one log under one rulebook after the other.

    Attributes:
        refused: the numbers of the lines that were refused under either.
        lines: how many were read.
    """

    def __init__(self, file: BinaryIO, profiles: Mapping[str, Profile], until_ms: int | None, err: TextIO) -> None:
        self._file = file
        self._profiles = profiles
        self._until_ms = until_ms
        self._err = err
        self.refused: set[int] = set()
        self.lines = 0

    def under(self, rulebook: Rulebook, name: str) -> Celebrations:
        """What a rulebook would have celebrated; `name` is what the bar calls it."""
        size = self._file.seek(0, 2)
        self._file.seek(0)
        celebrations: Celebrations = Celebrations()
        with collector_off(), ProgressBar(f"Folding under {name}", Console(file=self._err), total=size) as bar:
            lines = read_lines(self._counted(self._file, bar.show))
            plan = compile_rulebook(rulebook)
            for found in replay(lines, plan, profiles=self._profiles, until_ms=self._until_ms):
                if isinstance(found, Milestone):
                    count(celebrations, found)
                elif found.number not in self.refused:
                    self.refused.add(found.number)
                    self._err.write(f"line {found.number}: {found.refusal}\n")
        return celebrations

    def _counted(self, lines: Iterable[bytes], show: Callable[[int], object]) -> Iterator[bytes]:
        """The lines, while `show` is told how many bytes were read."""
        read = 0
        for number, line in enumerate(lines, start=1):
            self.lines = number
            read += len(line)
            if not number % _TOLD_EVERY_LINES:
                show(read)
            yield line


def _as_data(old: Side, new: Side, changes: tuple[RuleChange, ...], fold: _Folding) -> dict[str, Any]:
    """The comparison for programs; amounts are in cents, differences are new minus old."""

    def rows(names: tuple[str, ...], figures: Mapping[tuple[str, ...], Figures]) -> list[dict[str, Any]]:
        return [
            {**dict(zip(names, group, strict=True)), **msgspec.structs.asdict(row)} for group, row in figures.items()
        ]

    def by_client(*, nudges: bool) -> list[dict[str, Any]]:
        groups = compare(old, new, lambda place: (place.tenant, place.client, place.rule, place.tier), nudges=nudges)
        return rows(("tenant", "client", "rule", "tier"), groups)

    return {
        "old": old.rulebook.digest,
        "new": new.rulebook.digest,
        "lines": fold.lines,
        "refused": len(fold.refused),
        "in_all": in_all(old, new),
        "rules": rows(("rule", "tier"), compare(old, new, lambda place: (place.rule, place.tier))),
        "tiers": rows(("tier",), compare(old, new, lambda place: (place.tier,))),
        "clients": by_client(nudges=False),
        "nudges": {
            "in_all": in_all(old, new, nudges=True),
            "rules": rows(("rule", "tier"), compare(old, new, lambda place: (place.rule, place.tier), nudges=True)),
            "clients": by_client(nudges=True),
        },
        "changes": changes,
        "sentences": sentences(old, new, changes),
    }
