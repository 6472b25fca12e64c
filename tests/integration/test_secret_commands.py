"""Secrets from the command line: put without being shown, sealed, and retired."""

import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import agents
from agents.channels import slack, sms, tremendous
from agents.cli.secrets import NAMES_OF_A_TENANT
from agents.plain_file import MOST_BYTES
from agents.providers.mailgun import Mailgun
from agents.providers.sendgrid import SendGrid
from agents.providers.standard import StandardProvider
from agents.providers.tremendous import Tremendous
from agents.providers.twilio import Twilio
from agents.secret_files import SecretFiles
from tests.integration.commands import CAIRN, Answer, cairn, write_tenant

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


async def test_a_file_that_cannot_be_read_hides_no_other_and_is_told_by_its_name(settings: dict[str, str]) -> None:
    await put(settings, VALUE)
    huge = Path(settings["CAIRN_SECRETS_DIR"]) / "northstar" / "huge.key"
    huge.write_bytes(b"x" * (MOST_BYTES + 1))
    listed = await cairn("secrets", "list", settings=settings)
    assert (listed.status, "app.key 1 sealed" in listed.out, "huge.key 0 cannot be read" in listed.out) == (
        1,
        True,
        True,
    )
    retired = await cairn("secrets", "retire", "northstar", "huge.key", settings=settings)
    sealed = await cairn("secrets", "seal", settings=settings)
    assert (retired.status, sealed.status) == (2, 1)
    for answer in (listed, retired, sealed):
        assert "huge.key of northstar is larger than 1 MiB" in answer.err
        assert "Traceback" not in answer.err


def test_a_full_disk_behind_standard_output_is_told_without_a_stack(settings: dict[str, str]) -> None:
    environment = {"PYTHONPATH": str(Path(agents.__file__).parents[1]), **settings}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [CAIRN, "secrets", "list"], env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 3
    assert ended.stderr.decode().split(":")[0] == "No space is left where this is written to"


async def test_a_name_that_nobody_reads_is_put_and_told(settings: dict[str, str]) -> None:
    file = Path(settings["CAIRN_TENANTS_DIR"]) / "northstar" / "tenant.yaml"
    file.write_text(file.read_text() + "sources: [{kind: standard_webhooks, name: app}]", encoding="utf-8")
    slip = await put(settings, VALUE, name="ap.key")
    assert (slip.status, "No source or account in tenant.yaml of northstar reads ap.key" in slip.err) == (0, True)
    assert [(await put(settings, VALUE, name=name)).err for name in ("app.key", "inbox_key")] == ["", ""]
    retired = await cairn("secrets", "retire", "northstar", "appp.key", settings=settings)
    assert (retired.status, "the nearest is app.key" in retired.err) == (2, True)


def test_secrets_of_providers_and_channels_are_names_that_somebody_reads() -> None:
    providers = (Mailgun, SendGrid, StandardProvider, Tremendous, Twilio)
    channels = {sms.KEY_FILE, slack.WEBHOOK_FILE, slack.TOKEN_FILE, tremendous.KEY_FILE}
    assert {"inbox_key", *channels, *(one.secret for one in providers)} == NAMES_OF_A_TENANT


async def test_a_slip_is_told_and_nothing_is_written(settings: dict[str, str], tmp_path: Path) -> None:
    assert "the nearest is northstar" in (await put(settings, VALUE, tenant="nortstar")).err
    assert (await put(settings, VALUE, name="../x")).status == 2
    assert (await put(settings, "\n")).status == 2
    refused = await cairn("secrets", "list", settings={**settings, "CAIRN_SECRETS_KEY": "short"})
    assert refused.status == 2
    assert "cairn secrets key" in refused.err
    assert not (tmp_path / "secrets").exists()
