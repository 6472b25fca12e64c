"""A row of the fault matrix: what it does to the running service, and what is expected of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.scene import Scene

Play = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        name: as on the command line.
        injects: what happens, for people.
        expects: what must come of it, beside what is expected of every row.
        play: does it, while the load runs.
        cycles: how often it is done; a long run does it `long_cycles` times.
        back_seconds: how soon the first commit must follow each fault; None where it is only measured.
        load: how the load differs, see `tests.chaos.load.Shape`.
    """

    name: str
    injects: str
    play: Play
    expects: str = ""
    cycles: int = 1
    long_cycles: int | None = None
    back_seconds: float | None = None
    load: Mapping[str, Any] = field(default_factory=dict)
