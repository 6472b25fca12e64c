"""Plain files: reads what somebody else keeps in a folder of ours, whatever it is.

It must never wait, as an open pipe would, nor take up more memory than such a file is worth: one tenant's folder
must not stop what all tenants are served by.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 1024 * 1024


def read_plain(path: Path) -> bytes:
    """What a file holds.

    Raises:
        OSError: it cannot be read, is larger than `MOST_BYTES`, or is a folder, a pipe or a device.
    """
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "this is no file with a text", str(path))
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"this is larger than {MOST_BYTES} bytes", str(path))
    return found


def _opened(path: str, flags: int) -> int:
    """As open(2) says of FIFOs: with O_NONBLOCK, reading does not wait for somebody who writes."""
    return os.open(path, flags | os.O_NONBLOCK)
