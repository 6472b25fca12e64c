"""A data folder has one user at a time, for as long as any of its processes lives."""

import sys
from pathlib import Path

import pytest

from agents.embedded import folder_lock
from agents.embedded.child import Child
from agents.embedded.folder_lock import FolderInUseError, exclusive


def test_a_held_folder_is_refused_after_a_bounded_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "_PATIENCE_SECONDS", 0.0)
    refused = pytest.raises(FolderInUseError, match=r"Another process uses .*Stop it")
    with exclusive(tmp_path), refused, exclusive(tmp_path):
        pass


def test_a_folder_stays_held_while_a_child_lives_and_is_free_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Child("holder", [sys.executable, "-c", "import time; time.sleep(600)"], log=tmp_path / "log")
    with exclusive(tmp_path) as lock:
        child.start(inherit=(lock,))
    monkeypatch.setattr(folder_lock, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(FolderInUseError), exclusive(tmp_path):
        pass
    child.stop()
    with exclusive(tmp_path):
        pass
