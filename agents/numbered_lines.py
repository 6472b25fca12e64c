"""The lines of a file with their numbers and places, from the beginning or from where one left off.

It must never hold more of a line than an event could need, however long the line is.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_LINE_MAX_BYTES = 1 << 20


class NumberedLine(NamedTuple):
    """A line of the file.

    Attributes:
        end: the offset after it.
    """

    number: int
    content: bytes
    end: int

    @property
    def last_number(self) -> int:
        """It is one line alone."""
        return self.number


def read_lines(file: BinaryIO, offset: int = 0, number: int = 0) -> Iterator[NumberedLine]:
    """The lines from where a file stands; of one that is longer than any event, the beginning.

    Args:
        file: stands at `offset`.
        offset: where that is.
        number: the line that ends there.
    """
    while content := file.readline(_LINE_MAX_BYTES):
        rest = content
        while len(rest) == _LINE_MAX_BYTES and not rest.endswith(b"\n"):
            offset += len(rest)
            rest = file.readline(_LINE_MAX_BYTES)
        offset += len(rest)
        number += 1
        yield NumberedLine(number, content, offset)
