"""The spool's file: taken by one process at a time, and read over before anything is added to it.

It must never throw away a whole record, for it may have been acknowledged, nor leave bytes in the
middle that nobody can read: what follows them would not be found.

Theory of operation: what a crash left unfinished stands at the end and was not acknowledged; it is
cut off. Broken bytes with whole records behind them are no crash's: a disk, or somebody, changed
them. Then a file of all whole records takes the place of the damaged one, in one rename(2), and
the damaged one stays beside it under another name.
"""

import fcntl
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from agents.intake.frames import whole_stretches

_COPY_BYTES = 1024 * 1024
_HINT = (
    "records that were acknowledged may be lost with these bytes; every whole one is sent. Look after the disk, "
    "have the tools send again what they sent while Kafka was away, and remove the file at this path"
)

_log = structlog.get_logger()


class SpoolInUse(Exception):
    """Another process has this folder; give each process a folder of its own."""


def take(path: Path) -> tuple[int, int]:
    """Open the file, alone, with nothing in it but whole frames; returns its descriptor and its length in bytes.

    Raises:
        SpoolInUse: another process holds it.
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(path, os.O_RDWR | os.O_CREAT)
    try:
        size_bytes = os.fstat(file).st_size
        stretches = tuple(whole_stretches(file, size_bytes))
        whole_bytes = sum(end - start for start, end in stretches)
        if stretches and stretches[-1][1] != whole_bytes:
            file = _mended(path, file, stretches)
        elif size_bytes > whole_bytes:
            _log.warning(
                "spool_cut", bytes=size_bytes - whole_bytes, hint="a write was interrupted; it was not acknowledged"
            )
            os.ftruncate(file, whole_bytes)
        os.fsync(file)
        _sync_folder(path.parent)
    except BaseException:
        os.close(file)
        raise
    return file, whole_bytes


def _locked(path: Path, flags: int) -> int:
    file = os.open(path, flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise SpoolInUse(f"{path.parent} is another process's spool") from None
    if not path.exists() or os.fstat(file).st_ino != path.stat().st_ino:  # put right by another since it was opened
        os.close(file)
        raise SpoolInUse(f"{path.parent} was another process's spool just now")
    return file


def _mended(path: Path, damaged: int, stretches: Sequence[tuple[int, int]]) -> int:
    """Put a file of the whole frames into the damaged one's place, which stays beside it; returns the new one."""
    beside = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    aside = next(name for name in beside if not name.exists())
    fresh = path.with_name(f"{path.name}.mended")
    file = _locked(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for start, end in stretches:
            _copy(damaged, file, start, end)
        os.fsync(file)
        os.link(path, aside)
        fresh.replace(path)
    except BaseException:
        os.close(file)
        raise
    whole_bytes = sum(end - start for start, end in stretches)
    lost_bytes = os.fstat(damaged).st_size - whole_bytes
    _log.error("spool_damaged", bytes=lost_bytes, path=str(aside), hint=_HINT)
    os.close(damaged)
    return file


def _copy(damaged: int, file: int, start: int, end: int) -> None:
    """Append what stands from `start` to `end`."""
    while start < end:
        part = os.pread(damaged, min(_COPY_BYTES, end - start), start)
        start += len(part)
        while part:
            part = part[os.write(file, part) :]


def _sync_folder(folder: Path) -> None:
    """Make the file's name durable too (fsync(2), notes on directories)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
