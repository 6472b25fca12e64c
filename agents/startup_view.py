"""Shows people how a start goes on: a live table on a terminal, a line per step elsewhere.

Must never decide anything: without it a start takes the same course.

Theory of operation: steps of several threads run side by side; each is a row with its state and its seconds.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class StartupView:
    """Steps of a start, with their seconds; a context manager around the whole of it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._lock = threading.Lock()
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Say something that takes time and happens once."""
        with self._lock:
            self._progress.console.print(text, markup=False, highlight=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while the block runs; it counts as done unless the block raises."""
        began_at = time.monotonic()
        task = self._progress.add_task(name, total=1)
        try:
            yield
        except BaseException:
            self._progress.update(task, description=f"[red]{name}: failed[/]")
            self._progress.stop_task(task)
            raise
        self._progress.update(task, completed=1)
        if not self._console.is_terminal:
            self.note(f"{name}: ready after {time.monotonic() - began_at:.1f} s")
