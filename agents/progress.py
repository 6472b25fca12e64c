"""A progress bar on a terminal, nothing elsewhere: what is piped stays clean.

Must never decide anything or cost per record: it looks at the clock and draws a few times a second.
"""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_DRAW_EVERY_SECONDS = 0.1


class ProgressBar:
    """How far something is, with the time left; a context manager around it.

    Args:
        title: what goes on.
        console: where it is drawn, if that is a terminal.
        total: when it is done, in any unit, if that is known yet.
        hidden: draw nothing there either.
    """

    def __init__(self, title: str, console: Console, *, total: int | None = None, hidden: bool = False) -> None:
        self._drawn_at = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            disable=hidden or not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=total, note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            total = self._progress.tasks[self._task].total
            self._progress.update(self._task, completed=total)
        self._progress.stop()

    def begin(self, total: int) -> None:
        """Tell when it is done."""
        self._progress.update(self._task, total=total)

    def show(self, done: int, note: str = "") -> None:
        """Tell how far it is; most calls draw nothing."""
        if self._progress.disable or (now := time.monotonic()) - self._drawn_at < _DRAW_EVERY_SECONDS:
            return
        self._drawn_at = now
        self._progress.update(self._task, completed=done, note=note)
