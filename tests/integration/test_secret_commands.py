"""Secrets from the command line: put without being shown, sealed, and retired."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from agents.secret_files import SecretFiles
from tests.integration.commands import Answer, cairn, write_tenant

VALUE = "whsec_c2VjcmV0IG9mIG91cnM="


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    key = Fernet.generate_key().decode()
    folder = write_tenant(tmp_path / "tenants")
    return {
        "CAIRN_TENANTS_DIR": str(folder),
        "CAIRN_SECRETS_DIR": str(tmp_path / "secrets"),
        "CAIRN_SECRETS_KEY": key,
    }


async def put(settings: dict[str, str], value: str, tenant: str = "northstar", name: str = "app.key") -> Answer:
    return await cairn("secrets", "put", tenant, name, settings=settings, stdin=value)


async def test_a_secret_is_put_sealed_and_the_old_one_holds_until_it_is_retired(settings: dict[str, str]) -> None:
    files = SecretFiles(Path(settings["CAIRN_SECRETS_DIR"]), [settings["CAIRN_SECRETS_KEY"]])
    first = await put(settings, "before\n")
    assert (first.status, first.out) == (0, "app.key of northstar is in place.")
    second = await put(settings, f"{VALUE}\n")
    assert "the one before holds too" in second.out
    assert files.values("northstar", "app.key") == (VALUE, "before")
    listed = await cairn("secrets", "list", settings=settings)
    assert "northstar app.key 2 sealed" in listed.out
    assert VALUE not in first.out + second.out + second.err + listed.out
    assert (await cairn("secrets", "retire", "northstar", "app.key", settings=settings)).status == 0
    assert (await cairn("secrets", "retire", "northstar", "app.key", settings=settings)).status == 1
    assert files.values("northstar", "app.key") == (VALUE,)


async def test_the_key_rotates_and_what_none_opens_is_told(settings: dict[str, str]) -> None:
    await put(settings, VALUE)
    made = await cairn("secrets", "key", settings=settings)
    both = {**settings, "CAIRN_SECRETS_KEY": f"{made.out},{settings['CAIRN_SECRETS_KEY']}"}
    alone = {**settings, "CAIRN_SECRETS_KEY": made.out}
    listed = await cairn("secrets", "list", settings=alone)
    assert (listed.status, "no key opens it" in listed.out) == (1, True)
    assert (await cairn("secrets", "seal", settings=alone)).status == 1
    assert (await cairn("secrets", "seal", settings=both)).status == 0
    assert (await cairn("secrets", "list", settings=alone)).status == 0


async def test_a_slip_is_told_and_nothing_is_written(settings: dict[str, str], tmp_path: Path) -> None:
    assert "the nearest is northstar" in (await put(settings, VALUE, tenant="nortstar")).err
    assert (await put(settings, VALUE, name="../x")).status == 2
    assert (await put(settings, "\n")).status == 2
    refused = await cairn("secrets", "list", settings={**settings, "CAIRN_SECRETS_KEY": "short"})
    assert refused.status == 2
    assert "cairn secrets key" in refused.err
    assert not (tmp_path / "secrets").exists()
