"""Secret files change under a running process: what can be read comes into force, what cannot shuts no door."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from agents.plain_file import MOST_BYTES
from agents.secret_files import SecretFiles
from agents.secret_watch import SecretWatch
from agents.settling import stamp_of
from tests.agents.leased import leased

OURS, ANOTHER = (Fernet.generate_key().decode() for _ in range(2))


def looked(watch: SecretWatch) -> list[Any]:
    """The log of one look that reads every change."""
    with capture_logs() as logs:
        watch.look(settled=False)
    return logs


def refused() -> float | None:
    return REGISTRY.get_sample_value("cairn_rules_rejected", {"reason": "secret"})


@pytest.fixture
def files(tmp_path: Path) -> SecretFiles:
    files = SecretFiles(tmp_path, [OURS])
    files.put("iron", "app.key", "old")
    return files


def test_a_rotation_comes_into_force_step_by_step(files: SecretFiles) -> None:
    watch = SecretWatch(files)
    files.put("iron", "app.key", "new")
    assert (watch.look(settled=False), watch.values("iron", "app.key")) == (True, ("new", "old"))
    files.retire("iron", "app.key")
    assert (watch.look(settled=False), watch.values("iron", "app.key")) == (True, ("new",))
    assert not watch.look(settled=False)


def test_a_file_that_is_still_being_written_is_not_read(files: SecretFiles) -> None:
    watch, file = SecretWatch(files), files.folder / "iron" / "app.key"
    for text in ("n", "ne", "new"):
        file.write_text(text)
        assert not watch.look()
        assert watch.values("iron", "app.key") == ("old",)
    assert watch.look()
    assert watch.values("iron", "app.key") == ("new",)


def test_a_secret_that_is_taken_away_is_valid_no_more_and_its_neighbours_are(files: SecretFiles) -> None:
    files.put("iron", "app.path", "a-path")
    watch = SecretWatch(files)
    (files.folder / "iron" / "app.key").unlink()
    assert looked(watch) == []
    assert (watch.values("iron", "app.key"), watch.values("iron", "app.path")) == ((), ("a-path",))


def test_what_no_key_opens_leaves_what_was_in_force_and_is_told_once_without_a_value(files: SecretFiles) -> None:
    watch = SecretWatch(files)
    shutil.rmtree(files.folder / "iron")
    SecretFiles(files.folder, [ANOTHER]).put("iron", "app.key", "new")
    (told,) = looked(watch)
    assert (told["event"], told["tenant"], told["name"]) == ("secret.unreadable", "iron", "app.key")
    assert "sealed:" not in str(told)
    assert (looked(watch), refused(), watch.values("iron", "app.key")) == ([], 1, ("old",))
    SecretFiles(files.folder).put("oak", "app.key", "theirs")
    assert looked(watch) == []
    assert (refused(), watch.values("oak", "app.key")) == (1, ("theirs",))
    (files.folder / "iron" / "app.key").write_text("new")
    assert (looked(watch), refused(), watch.values("iron", "app.key")) == ([], 0, ("new",))


def test_of_two_values_the_one_that_can_be_opened_is_in_force(files: SecretFiles) -> None:
    sealed = (files.folder / "iron" / "app.key").read_text()
    (files.folder / "iron" / "app.key").write_text(f"sealed:bogus\n{sealed}")
    watch = SecretWatch(files)
    assert (refused(), watch.values("iron", "app.key")) == (1, ("old",))


def test_a_file_that_the_disk_does_not_give_leaves_what_was_in_force(files: SecretFiles) -> None:
    watch = SecretWatch(files)
    (files.folder / "iron" / "app.key").unlink()
    (files.folder / "iron" / "app.key").symlink_to("/proc/self/mem")
    (told,) = looked(watch)
    assert told["hint"] == "app.key of iron cannot be read: Input/output error"
    assert watch.values("iron", "app.key") == ("old",)


@pytest.mark.parametrize("settled", [True, False])
def test_what_the_disk_did_not_give_is_told_once_and_read_when_it_does(files: SecretFiles, *, settled: bool) -> None:
    watch, file = SecretWatch(files), files.folder / "iron" / "app.key"
    files.put("iron", "app.key", "new")
    with leased(file), capture_logs() as logs:
        for _ in range(6):
            assert not watch.look(settled=settled)
        assert (refused(), watch.values("iron", "app.key")) == (1, ("old",))
    assert [told["hint"].partition(": ")[2] for told in logs] == ["Resource temporarily unavailable"]
    with capture_logs() as logs:
        watch.look(settled=settled)
        watch.look(settled=settled)
    assert (logs, refused(), watch.values("iron", "app.key")) == ([], 0, ("new", "old"))


def test_a_file_that_is_given_to_be_read_counts_as_changed(files: SecretFiles) -> None:
    file = files.folder / "iron" / "app.key"
    before = stamp_of(file.parent, [file.name])
    file.chmod(0o640)
    assert stamp_of(file.parent, [file.name]) != before


def test_one_tenants_garbled_files_end_nothing_and_nobody_elses_secrets(files: SecretFiles) -> None:
    files.put("oak", "app.key", "theirs")
    folder = files.folder / "iron"
    (folder / "huge.key").write_text("x" * (MOST_BYTES + 1))
    os.mkfifo(folder / "pipe.key")
    (folder / "folder.key").mkdir()
    (folder / "loop.key").symlink_to("loop.key")
    (folder / "\udcff\n.key").write_bytes(b"\xff")
    (folder / "bad.key").write_text("sealed:\u2026", encoding="utf-8")
    with capture_logs() as logs:
        watch = SecretWatch(files)
    assert (watch.values("iron", "app.key"), watch.values("oak", "app.key")) == (("old",), ("theirs",))
    assert {told["name"]: told["hint"] for told in logs} == {
        "bad.key": "no key of CAIRN_SECRETS_KEY opens it",
        "folder.key": "folder.key of iron is a folder, and no file with a text",
        "huge.key": "huge.key of iron is larger than 1 MiB",
        "loop.key": "loop.key of iron cannot be read: Too many levels of symbolic links",
        "pipe.key": "pipe.key of iron is no file with a text",
        "\udcff\n.key": "\udcff\n.key of iron holds bytes that are no text (UTF-8)",
    }


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_stands_in_the_place_of_a_secret_and_is_no_file_shuts_no_door(
    files: SecretFiles, make: Callable[[Path], None]
) -> None:
    watch, file = SecretWatch(files), files.folder / "iron" / "app.key"
    file.unlink()
    make(file)
    (told,) = looked(watch)
    assert (told["event"], told["name"]) == ("secret.unreadable", "app.key")
    assert (looked(watch), refused(), watch.values("iron", "app.key")) == ([], 1, ("old",))


def test_a_folder_that_is_gone_keeps_its_secrets_and_is_told_once(files: SecretFiles) -> None:
    watch, folder = SecretWatch(files), files.folder / "iron"
    folder.rename(files.folder / ".away")
    (told,) = looked(watch)
    assert (told["tenant"], looked(watch), refused(), watch.values("iron", "app.key")) == ("iron", [], 1, ("old",))
    (files.folder / ".away").rename(folder)
    assert (looked(watch), refused()) == ([], 0)


def test_a_folder_that_comes_back_file_by_file_shuts_no_door_until_each_was_there_again(files: SecretFiles) -> None:
    files.put("iron", "app.path", "a-path")
    files.put("iron", "tool.key", "theirs")
    watch, folder = SecretWatch(files), files.folder / "iron"
    shutil.rmtree(folder)
    looked(watch)
    files.put("iron", "app.key", "new")
    assert [(told["event"], told["name"]) for told in looked(watch)] == [
        ("secret.unreadable", "app.path"),
        ("secret.unreadable", "tool.key"),
    ]
    held = [watch.values("iron", name) for name in ("app.key", "app.path", "tool.key")]
    assert (held, refused()) == ([("new",), ("a-path",), ("theirs",)], 1)
    files.put("iron", "app.path", "another-path")
    assert (looked(watch), refused(), watch.values("iron", "app.path")) == ([], 1, ("another-path",))
    (folder / "app.path").unlink()
    assert (looked(watch), watch.values("iron", "app.path")) == ([], ())
    files.put("iron", "tool.key", "theirs")
    assert (looked(watch), refused(), watch.values("iron", "tool.key")) == ([], 0, ("theirs",))


def test_a_secrets_folder_may_come_later(tmp_path: Path) -> None:
    watch = SecretWatch(SecretFiles(tmp_path / "secrets"))
    SecretFiles(tmp_path / "secrets").put("iron", "app.key", "new")
    assert watch.look(settled=False)
    assert watch.values("iron", "app.key") == ("new",)


@pytest.mark.parametrize("per_tenant", [True, False])
def test_a_mounted_volume_whose_links_are_swapped_is_seen_and_its_own_folders_are_nobodys(
    tmp_path: Path, *, per_tenant: bool
) -> None:
    volume = tmp_path / "iron" if per_tenant else tmp_path
    inside = Path() if per_tenant else Path("iron")
    for number in (1, 2):
        file = volume / f"..{number}" / inside / "app.key"
        file.parent.mkdir(parents=True)
        file.write_text(f"value{number}")
        os.utime(file, (1, 1))
    (volume / "..data").symlink_to("..1")
    name = "app.key" if per_tenant else "iron"
    (volume / name).symlink_to(f"..data/{name}")
    watch = SecretWatch(SecretFiles(tmp_path))
    assert watch.values("iron", "app.key") == ("value1",)
    (volume / "..new").symlink_to("..2")
    (volume / "..new").rename(volume / "..data")
    watch.look()
    assert watch.look()
    assert watch.values("iron", "app.key") == ("value2",)
    assert watch.values("..data", "app.key") == watch.values("..2", "app.key") == ()
