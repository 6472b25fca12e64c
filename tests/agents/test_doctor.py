"""`cairn doctor` tells whether a source that signs nothing is asked back, and which secrets lie unsealed."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from agents.doctor import examine
from agents.plain_file import MOST_BYTES
from agents.secret_files import SecretFiles
from tests.integration.commands import TENANT, write_tenant


async def said_of(subject: str) -> tuple[str, str]:
    async for finding in examine():
        if finding.subject == subject:
            return finding.verdict, finding.text
    raise AssertionError(f"nothing is said of {subject}")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretFiles:
    """The secrets, still none, of a tenant with a school, for whom everything is away."""
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
    return SecretFiles(tmp_path / "secrets")


async def test_a_school_that_is_not_asked_back_is_well_and_told(secrets: SecretFiles) -> None:
    school = "source northstar/school"
    assert (await said_of(school))[0] == "failed"
    secrets.put("northstar", "school.path", "a-secret")
    lacking = "secrets present; completions are believed unasked without school.key"
    assert await said_of(school) == ("ok", lacking)
    secrets.put("northstar", "school.key", "a-secret")
    assert await said_of(school) == ("ok", "secrets present")
    (secrets.folder / "northstar" / "school.key").write_bytes(b"x" * (MOST_BYTES + 1))
    assert await said_of(school) == ("failed", "school.key of northstar is larger than 1 MiB")


async def test_secrets_that_lie_unsealed_are_a_warning_that_says_what_to_do(
    secrets: SecretFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key = "secrets on the disk", Fernet.generate_key().decode()
    assert await said_of(place) == ("ok", "none lies unsealed")
    secrets.put("northstar", "school.path", "a-secret")
    verdict, text = await said_of(place)
    assert verdict == "warning"
    assert "unsealed: northstar/school.path; set CAIRN_SECRETS_KEY to what `cairn secrets key` makes" in text
    assert "a-secret" not in text
    monkeypatch.setenv("CAIRN_SECRETS_KEY", key)
    seals = "unsealed: northstar/school.path; `cairn secrets seal` seals them"
    assert await said_of(place) == ("warning", seals)
    assert SecretFiles(secrets.folder, [key]).seal("northstar", "school.path")
    assert await said_of(place) == ("ok", "none lies unsealed")
