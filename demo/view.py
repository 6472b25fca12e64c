"""Shows people how the play goes on: a bar on a terminal, some lines elsewhere."""

from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from demo.steps import Step

_LINE_EVERY_DAYS = 15


class PlayView:
    """Which day it is in the play's calendar; a context manager around the play."""

    def __init__(self, console: Console, *, first_at: datetime, days: int) -> None:
        self._console = console
        self._first_at = first_at
        self._day = 0
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), console=console, disable=not console.is_terminal
        )
        self._task = self._progress.add_task("The play begins", total=days)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def on_step(self, step: Step) -> None:
        """Tell which day the step belongs to."""
        day = (step.at - self._first_at).days + 1
        if day == self._day:
            return
        self._day = day
        text = f"day {day:3}, {step.at:%a %d %b %Y}"
        self._progress.update(self._task, completed=day, description=text)
        if not self._console.is_terminal and day % _LINE_EVERY_DAYS == 1:
            self._console.print(text, highlight=False)
