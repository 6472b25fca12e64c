"""The file of rejected lines: each with its number, its reason and its content.

What was written after the last checkpoint comes again when an import goes on, so it is cut off.
"""

import os
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from agents.import_format import Line
from schemas.codec import Refused


def is_of_rejects(path: Path) -> bool:
    """Whether a file is not there yet, or holds nothing but what such a file begins with."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        first = file.readline(1024 * 1024)
    return not first or first.startswith(b'{"line":')


class Rejects:
    """Rejected lines on their way to a file; it is made with the first one.

    Args:
        path: the file.
        length: how much of it counts; nothing for an import that begins.
    """

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._length = length
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self._length and self._path.exists():
            os.truncate(self._path, self._length)
        else:
            self._path.unlink(missing_ok=True)
            self._length = 0
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, line: Line, refusal: Refused) -> None:
        """Put down a line with its number and reason."""
        if self._file is None:
            self._file = self._path.open("ab")
        content = line.content.rstrip(b"\r\n").decode(errors="backslashreplace")
        told = {"line": line.number, "reason": refusal.reason, "detail": refusal.detail, "content": content}
        self._length += self._file.write(msgspec.json.encode(told) + b"\n")

    def flushed(self) -> int:
        """The length of the file, which is then on the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._length
