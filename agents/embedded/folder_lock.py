"""One server at a time over one data folder, across processes and crashes.

Must never need cleaning up: the lock is the kernel's (flock(2)), not the file's existence.

Theory of operation: a lock belongs to an open file description. The caller hands the descriptor on to the
guard of the server that it starts and closes its own copy; the lock then lives exactly as long as the last
process of that server, so a second start over the folder waits until the first is really gone.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1


class FolderInUseError(RuntimeError):
    """Another process still uses the data folder."""


@contextmanager
def exclusive(folder: Path) -> Iterator[int]:
    """Hold the folder while the block runs, and beyond it in processes that inherit the yielded descriptor.

    Raises:
        FolderInUseError: Somebody else held the folder for all of 30 s.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while not _is_taken(file.fileno()):
            if time.monotonic() > give_up_at:
                raise FolderInUseError(
                    f"Another process uses {folder}. Stop it (fuser {folder}/lock), or choose another."
                )
            time.sleep(_POLL_SECONDS)
        yield file.fileno()


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
