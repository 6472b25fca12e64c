"""`cairn doctor` says of a source that signs nothing whether its completions are asked back."""

from pathlib import Path

import pytest

from agents.doctor import examine
from agents.plain_file import MOST_BYTES
from agents.secret_files import SecretFiles
from tests.integration.commands import TENANT, write_tenant


async def said_of_the_school(folder: Path) -> tuple[str, str]:
    async for finding in examine():
        if finding.subject == "source northstar/school":
            return finding.verdict, finding.text
    raise AssertionError(f"nothing is said of the source in {folder}")


async def test_a_school_that_is_not_asked_back_is_well_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_tenant(tmp_path / "tenants") / "northstar" / "tenant.yaml"
    file.write_text(TENANT + "sources: [{kind: teachable, name: school}]", encoding="utf-8")
    settings = {
        "CAIRN_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CAIRN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CAIRN_TENANTS_DIR": str(tmp_path / "tenants"),
        "CAIRN_SECRETS_DIR": str(tmp_path / "secrets"),
        "CAIRN_LINK_KEY": "k" * 32,
        "CAIRN_PUBLIC_URL": "https://cairn.example",
        "CAIRN_SMTP_HOST": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    secrets = SecretFiles(tmp_path / "secrets")
    assert (await said_of_the_school(tmp_path))[0] == "failed"
    secrets.put("northstar", "school.path", "a-secret")
    lacking = "secrets present; completions are believed unasked without school.key"
    assert await said_of_the_school(tmp_path) == ("ok", lacking)
    secrets.put("northstar", "school.key", "a-secret")
    assert await said_of_the_school(tmp_path) == ("ok", "secrets present")
    (tmp_path / "secrets" / "northstar" / "school.key").write_bytes(b"x" * (MOST_BYTES + 1))
    assert await said_of_the_school(tmp_path) == ("failed", "school.key of northstar is larger than 1 MiB")
