"""A file that the disk does not give for a while, to whomever: somebody else has a lease on it."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Opening it without waiting fails with EWOULDBLOCK (fcntl(2), leases), and nothing of the file is changed."""
    file = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # which nobody has to handle, unlike SIGIO
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(file)
