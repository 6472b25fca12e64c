"""A file in a tenant's folder is read within bounds and never waited for, whatever it is."""

import os
from pathlib import Path

import pytest

from agents.plain_file import MOST_BYTES, read_plain


def test_a_file_is_read_up_to_its_limit_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * MOST_BYTES)
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "link") == b"x" * MOST_BYTES


def test_what_is_larger_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than"):
        read_plain(tmp_path / "file")


def test_a_pipe_into_which_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no file with a text"):
        read_plain(tmp_path / "pipe")


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self", "no/where"])
def test_what_is_no_file_is_no_text(tmp_path: Path, path: str) -> None:
    with pytest.raises(OSError, match=path):
        read_plain(tmp_path / path)
