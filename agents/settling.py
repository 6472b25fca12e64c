"""Settling: whose files have changed since they were read last, and are not being written any more.

Files are compared by inode, time of change and size behind all links, which also sees the symbolic
links of a mounted volume being swapped, and reads no file. The time of change is the inode's (stat(2)):
it also moves when a file is given to somebody else to read.
"""

from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[tuple[str, int, int, int, int] | None, ...]


def stamp_of(folder: Path, names: Iterable[str]) -> Stamp:
    """What tells one state of these files from another; None for one that is not there."""
    stamps: list[tuple[str, int, int, int, int] | None] = []
    for name in names:
        try:
            found = (folder / name).stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((name, found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size))
    return tuple(stamps)


class Settling:
    """Remembers the stamps of several folders, by name."""

    def __init__(self) -> None:
        self._read: dict[str, Stamp | None] = {}
        self._changing: dict[str, Stamp] = {}

    def has_changed(self, name: str, stamp: Stamp, *, settled: bool) -> bool:
        """Whether files differ from those read last, and have been like this for long enough; then notes them.

        Args:
            name: whose they are.
            stamp: how they are now.
            settled: whether a second look has to find the same.
        """
        before = self._changing.pop(name, None)
        if stamp == self._read.get(name):
            return False
        if settled and stamp != before:
            self._changing[name] = stamp
            return False
        self._read[name] = stamp
        return True

    def read_again(self, name: str) -> None:
        """What was noted last could not be read: it counts as a change, which has to settle."""
        self._read[name] = None

    def missed(self, found: Iterable[str]) -> set[str]:
        """Those that were read and are not found any more; each is told once, and is new when it comes back."""
        missed = self._read.keys() - set(found)
        for name in missed:
            del self._read[name]
            self._changing.pop(name, None)
        return missed
