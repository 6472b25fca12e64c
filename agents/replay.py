"""`cairn replay`: a log of events in, one JSON line per milestone out.

It decides nothing: lines are decoded by the codec and folded by `streams.tracking.replay`,
which is what the service runs. What is refused goes to standard error with its line number
and reason, and the exit status is then 2; all other lines are folded nevertheless.
"""

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import msgspec

from agents.log_lines import read_lines, read_profiles
from schemas.milestone import Milestone
from schemas.rulebook import RulebookErrors, load_rulebook
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.replay import RefusedLine, replay

EXIT_OK, EXIT_INVALID, EXIT_REFUSED = 0, 1, 2

_SHOWN = (
    "type", "tenant", "client", "rule", "tier", "threshold", "occurrence", "value", "reached_at",
    "milestone_id", "revision",
)  # fmt: skip


def run_replay(
    *, rules: Path, events: str, clients: Path | None = None, until: datetime | None = None,
    out: TextIO | None = None, err: TextIO | None = None,
) -> int:  # fmt: skip
    """Replay a log and say what was reached.

    Args:
        rules: the rulebook.
        events: the log, one event a line; `-` reads standard input.
        clients: profiles, one a line.
        until: where the fold ends and what is due fires; aware.
        out: where milestones go; standard output by default.
        err: where refusals go; standard error by default.

    Returns:
        0, or 1 if a file could not be used at all, or 2 if lines were refused.
    """
    out, err = out or sys.stdout, err or sys.stderr
    try:
        plan = compile_rulebook(load_rulebook(rules.read_text(encoding="utf-8"), str(rules)))
        profiles, refused = read_profiles(clients, err)
        with ExitStack() as stack:
            log = sys.stdin.buffer if events == "-" else stack.enter_context(Path(events).open("rb"))
            until_ms = None if until is None else to_ms(until)
            refused += _print(replay(read_lines(log), plan, profiles=profiles, until_ms=until_ms), out, err)
    except (OSError, UnicodeDecodeError, RulebookErrors) as error:
        err.write(f"{error}\n")
        return EXIT_INVALID
    return EXIT_REFUSED if refused else EXIT_OK


def _print(folded: Iterable[Milestone | RefusedLine], out: TextIO, err: TextIO) -> int:
    """Write what a fold yields; returns how many lines were refused."""
    refused = 0
    with collector_off():
        for found in folded:
            if isinstance(found, Milestone):
                shown = {name: getattr(found, name) for name in _SHOWN}
                out.write(msgspec.json.encode(shown).decode() + "\n")
            else:
                refused += 1
                err.write(f"line {found.number}: {found.refusal}\n")
    return refused


@contextmanager
def collector_off() -> Iterator[None]:
    """Without the cyclic collector while the block runs.

    States hold no cycles, and walking through a million of them again and again would take
    longer than the fold.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
