"""Secrets are made so that only their owner reads them, and rotated so that the old value stays valid."""

import stat
from base64 import b64decode
from pathlib import Path

import pytest

from agents.connect.new_secrets import TwoAreValid, new_key, new_path, new_webhook_key, require_room
from agents.secret_files import SecretFiles


@pytest.fixture
def secrets(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "secrets")


def test_a_new_secret_is_its_owners_alone(secrets: SecretFiles) -> None:
    secrets.put("acme", "hooks.path", "a-path")
    path = secrets.folder / "acme" / "hooks.path"
    assert secrets.values("acme", "hooks.path") == ("a-path",)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["hooks.path"]


def test_a_file_that_others_may_read_is_replaced_by_one_that_they_may_not(secrets: SecretFiles) -> None:
    path = secrets.folder / "acme" / "hooks.key"
    path.parent.mkdir(parents=True)
    path.write_text("old\n\n")
    path.chmod(0o644)
    secrets.put("acme", "hooks.key", "new")
    assert secrets.values("acme", "hooks.key") == ("new", "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotation_that_was_not_finished_stops_the_next(secrets: SecretFiles) -> None:
    secrets.put("acme", "hooks.path", "old")
    require_room(secrets, "acme", ("hooks.path", "hooks.key"))
    secrets.put("acme", "hooks.path", "new")
    with pytest.raises(TwoAreValid, match=r"hooks\.path of acme has 2 valid values"):
        require_room(secrets, "acme", ("hooks.key", "hooks.path"))


def test_new_secrets_are_long_and_never_the_same() -> None:
    made = {make() for make in (new_path, new_key, new_webhook_key) for _ in range(20)}
    assert len(made) == 60
    assert len(new_path()) == 48
    assert len(new_key()) == 64
    assert len(b64decode(new_webhook_key().removeprefix("whsec_"))) == 32
