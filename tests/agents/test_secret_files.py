"""Secret files: sealed at rest, two valid while one takes over, never in a log."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from agents.plain_file import MOST_BYTES
from agents.secret_files import Kept, SecretFiles, SecretRefused, SecretUnreadable

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
VALUE = "whsec_c2VjcmV0IG9mIG91cnM="


def on_disk(folder: Path) -> str:
    return (folder / "iron" / "app.key").read_text(encoding="utf-8")


def test_a_secret_may_have_two_valid_values_while_rotating(tmp_path: Path) -> None:
    (tmp_path / "iron").mkdir()
    (tmp_path / "iron" / "app.key").write_text("new\n\nold\n", encoding="utf-8")
    files = SecretFiles(tmp_path)
    assert files.values("iron", "app.key") == ("new", "old")
    assert files.values("iron", "other.key") == ()


def test_a_new_value_goes_before_the_one_that_was_valid_and_no_value_in_use_is_lost(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path, [NEW])
    for value in ("first", "second", "second"):
        files.put("iron", "app.key", value)
    assert files.values("iron", "app.key") == ("second", "first")
    with pytest.raises(SecretRefused, match=r"cairn secrets retire iron app\.key"):
        files.put("iron", "app.key", "third")
    assert files.values("iron", "app.key") == ("second", "first")
    files.put("iron", "app.key", "third", beside_all=True)
    assert files.values("iron", "app.key") == ("third", "second", "first")
    assert files.retire("iron", "app.key") == 2
    assert files.retire("iron", "app.key") == 0
    assert files.values("iron", "app.key") == ("third",)


def test_what_cannot_be_opened_may_be_in_use_and_is_left_alone(tmp_path: Path) -> None:
    SecretFiles(tmp_path, [OLD]).put("iron", "app.key", VALUE)
    before = on_disk(tmp_path)
    for files in (SecretFiles(tmp_path), SecretFiles(tmp_path, [NEW])):
        with pytest.raises(SecretRefused, match="CAIRN_SECRETS_KEY"):
            files.put("iron", "app.key", "new")
        with pytest.raises(SecretRefused, match="CAIRN_SECRETS_KEY"):
            files.retire("iron", "app.key")
    assert on_disk(tmp_path) == before


def test_with_a_key_no_value_is_readable_on_the_disk_and_only_the_owner_may_look(tmp_path: Path) -> None:
    SecretFiles(tmp_path, [NEW]).put("iron", "app.key", VALUE)
    assert VALUE not in on_disk(tmp_path)
    assert on_disk(tmp_path).startswith("sealed:")
    assert stat.S_IMODE((tmp_path / "iron" / "app.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "iron").iterdir()] == ["app.key"]
    assert SecretFiles(tmp_path, [NEW]).values("iron", "app.key") == (VALUE,)


def test_what_no_key_opens_counts_as_absent_and_is_told_without_its_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SecretFiles(tmp_path, [OLD]).put("iron", "app.key", VALUE)
    for files in (SecretFiles(tmp_path), SecretFiles(tmp_path, [NEW])):
        assert files.values("iron", "app.key") == ()
        assert list(files.list_all()) == [Kept(tenant="iron", name="app.key", values=0, plain=0, unreadable=1)]
    said = capsys.readouterr().out
    assert "app.key" in said
    assert on_disk(tmp_path).strip().removeprefix("sealed:") not in said


def test_keys_rotate_by_sealing_anew(tmp_path: Path) -> None:
    SecretFiles(tmp_path).put("iron", "app.key", VALUE)
    assert not SecretFiles(tmp_path).seal("iron", "app.key")
    assert SecretFiles(tmp_path, [OLD]).seal("iron", "app.key")
    before = on_disk(tmp_path)
    assert not SecretFiles(tmp_path, [NEW]).seal("iron", "app.key")
    assert on_disk(tmp_path) == before
    assert SecretFiles(tmp_path, [NEW, OLD]).seal("iron", "app.key")
    assert SecretFiles(tmp_path, [NEW]).values("iron", "app.key") == (VALUE,)
    assert SecretFiles(tmp_path, [OLD]).values("iron", "app.key") == ()


@pytest.mark.parametrize("token", ["\u2026", "gAAAAAB\u00e9", "\x00", "", "gA"])
def test_what_is_no_token_at_all_opens_nothing(tmp_path: Path, token: str) -> None:
    (tmp_path / "iron").mkdir()
    (tmp_path / "iron" / "app.key").write_text(f"sealed:{token}\n", encoding="utf-8")
    assert SecretFiles(tmp_path, [NEW]).opened("iron", "app.key") == (None,)


def test_what_was_sealed_elsewhere_and_is_no_text_opens_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "iron").mkdir()
    (tmp_path / "iron" / "app.key").write_text(f"sealed:{Fernet(NEW).encrypt(bytes([255])).decode()}")
    assert SecretFiles(tmp_path, [NEW]).opened("iron", "app.key") == (None,)


def test_a_changed_token_opens_nothing(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path, [NEW])
    files.put("iron", "app.key", VALUE)
    line = on_disk(tmp_path).strip()
    (tmp_path / "iron" / "app.key").write_text(line[:-8] + "AAAAAAA=", encoding="utf-8")
    assert files.values("iron", "app.key") == ()


def test_a_mounted_volumes_hidden_files_are_no_secrets(tmp_path: Path) -> None:
    for folder in ("iron", "..2026_05_08"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.key").write_text("x", encoding="utf-8")
    (tmp_path / "iron" / ".unfinished").write_text("x", encoding="utf-8")
    assert [(one.tenant, one.name) for one in SecretFiles(tmp_path).list_all()] == [("iron", "app.key")]


@pytest.mark.parametrize("value", ["", " x", "a\u2028b", "a\x1b[2J", "\udcff", "sealed:abc"])
def test_what_can_be_no_secret_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SecretRefused, match="printable"):
        SecretFiles(tmp_path, [NEW]).put("iron", "app.key", value)
    assert not (tmp_path / "iron").exists()


@pytest.mark.parametrize("name", ["", "../elm/app.key", ".hidden", "a/b", "x" * 300])
def test_a_name_that_leaves_the_tenants_folder_is_refused(tmp_path: Path, name: str) -> None:
    files = SecretFiles(tmp_path, [NEW])
    for change in (lambda: files.put("iron", name, VALUE), lambda: files.retire("iron", name)):
        with pytest.raises(SecretRefused, match=r"acuity\.key"):
            change()


def test_a_file_that_is_no_text_hides_no_other(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path, [NEW])
    files.put("iron", "app.key", VALUE)
    (tmp_path / "iron" / "bad.key").write_bytes(b"\xff\xfe")
    (tmp_path / "iron" / "huge.key").write_bytes(b"x" * (MOST_BYTES + 1))
    assert [(one.name, one.values, one.unreadable, one.refusal) for one in files.list_all()] == [
        ("app.key", 1, 0, None),
        ("bad.key", 0, 1, "bad.key of iron holds bytes that are no text (UTF-8)"),
        ("huge.key", 0, 1, "huge.key of iron is larger than 1 MiB"),
    ]


def test_what_is_not_there_is_not_retired_and_the_nearest_name_is_told(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    with pytest.raises(SecretRefused, match=r"^iron has no secret of this name$"):
        files.retire("iron", "ap.key")
    files.put("iron", "app.key", VALUE)
    files.put("iron", "tool.path", VALUE)
    with pytest.raises(SecretRefused, match=r"the nearest is app\.key"):
        files.retire("iron", "ap.key")


def test_what_is_no_text_counts_as_absent_and_its_cause_is_told(tmp_path: Path) -> None:
    (tmp_path / "iron").mkdir()
    (tmp_path / "iron" / "app.key").write_bytes(b"\xff\xfe")
    with capture_logs() as logs:
        assert SecretFiles(tmp_path).values("iron", "app.key") == ()
    assert [told["hint"] for told in logs] == ["app.key of iron holds bytes that are no text (UTF-8)"]


def test_what_cannot_be_read_may_be_in_use_and_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "iron" / "app.key").mkdir(parents=True)
    files = SecretFiles(tmp_path)
    for change in (lambda: files.put("iron", "app.key", VALUE), lambda: files.retire("iron", "app.key")):
        with pytest.raises(SecretUnreadable, match=r"app\.key of iron is a folder"):
            change()
