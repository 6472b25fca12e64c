"""Channels authenticate with what the tenant's file and secrets say at that moment, and doctor says what lacks."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agents.channel_accounts import account_of, gift_account, slack_place, twilio_account
from agents.channel_checks import check_channels
from agents.secret_files import SecretFiles
from agents.tenants import Tenant, load_tenants
from tests.integration.commands import COACHES, TENANT

ACCOUNT = "AC" + "0a" * 16


def tenant(folder: Path, more: str) -> Tenant:
    (folder / "tenants" / "north").mkdir(parents=True)
    (folder / "tenants" / "north" / "tenant.yaml").write_text(f"{TENANT}\n{more}\n", encoding="utf-8")
    (folder / "tenants" / "north" / "coaches.yaml").write_text(COACHES, encoding="utf-8")
    (folder / "north").mkdir()
    return load_tenants(folder / "tenants")["north"]


def keep(folder: Path, **secrets: str) -> None:
    for name, value in secrets.items():
        (folder / "north" / name.replace("_", ".")).write_text(f"{value}\nolder\n", encoding="utf-8")


def fields(account: Any) -> dict[str, Any]:
    assert not isinstance(account, BaseModel)
    return {name: getattr(account, name) for name in account.__slots__}


def test_a_gifts_account_is_the_files_with_the_newest_key(tmp_path: Path) -> None:
    found = tenant(tmp_path, "gifts: {products: [P1, P2], base_url: 'https://testflight.tremendous.com/'}")
    assert gift_account(found, SecretFiles(tmp_path)) is None
    keep(tmp_path, gift_key="TEST_1")
    assert fields(gift_account(found, SecretFiles(tmp_path))) == {
        "key": "TEST_1",
        "funding_source": "balance",
        "products": ("P1", "P2"),
        "campaign": None,
        "base_url": "https://testflight.tremendous.com",
    }


def test_a_webhook_posts_where_no_channel_is_named(tmp_path: Path) -> None:
    found = tenant(tmp_path, "slack: {audience: community}")
    keep(tmp_path, slack_token="xoxb-1")
    assert slack_place(found, SecretFiles(tmp_path)) is None
    keep(tmp_path, slack_webhook="https://hooks.slack.example/services/T/B/x")
    place = fields(slack_place(found, SecretFiles(tmp_path)))
    assert place == {"url": "https://hooks.slack.example/services/T/B/x", "token": None, "channel": None}


def test_a_bot_posts_into_the_channel_that_is_named(tmp_path: Path) -> None:
    found = tenant(tmp_path, "slack: {audience: coaches, channel: C0123456789}")
    keep(tmp_path, slack_webhook="https://hooks.slack.example/services/T/B/x")
    assert slack_place(found, SecretFiles(tmp_path)) is None
    keep(tmp_path, slack_token="xoxb-1")
    place = fields(slack_place(found, SecretFiles(tmp_path)))
    assert place == {"url": "https://slack.com/api/chat.postMessage", "token": "xoxb-1", "channel": "C0123456789"}


def test_an_account_is_looked_up_anew_each_time(tmp_path: Path) -> None:
    found = tenant(tmp_path, f'sms: {{account: {ACCOUNT}, sender: "+15005550006"}}')
    tenants: dict[str, Tenant] = {}
    of = account_of(twilio_account, lambda: tenants, SecretFiles(tmp_path))
    keep(tmp_path, sms_token="1")
    assert of("north") is None
    tenants["north"] = found
    for token in ("1", "2"):
        keep(tmp_path, sms_token=token)
        account = of("north")
        assert account
        assert account.token == token


def test_a_channel_that_is_not_in_the_file_has_no_account(tmp_path: Path) -> None:
    found = tenant(tmp_path, "")
    keep(tmp_path, sms_token="1", gift_key="1", slack_token="1", slack_webhook="https://x.example")
    for build in (twilio_account, gift_account, slack_place):
        assert build(found, SecretFiles(tmp_path)) is None


@pytest.mark.parametrize(
    ("file", "secrets", "verdict", "text"),
    [
        (f'sms: {{account: {ACCOUNT}, sender: "+15005550006"}}', {}, "failed", "no secret file sms.token"),
        ("slack: {audience: community}", {"slack_token": "x"}, "failed", "no secret file slack.webhook"),
        ("slack: {audience: community}", {"slack_webhook": "xoxb-secret"}, "failed", "holds no https:// address"),
        ("slack: {audience: community}", {"slack_webhook": "https://x.example"}, "ok", "slack.webhook present"),
        ("slack: {audience: coaches, channel: C0123456789}", {}, "failed", "no secret file slack.token"),
        ("slack: {audience: coaches, channel: C0123456789}", {"slack_token": "x"}, "ok", "slack.token present"),
        ("gifts: {products: [P1]}", {}, "failed", "no secret file gift.key"),
        ("gifts: {}", {"gift_key": "x"}, "failed", "neither products nor a campaign"),
        ("gifts: {campaign: C1}", {"gift_key": "x"}, "ok", "gift.key present"),
        (
            "gifts: {campaign: C1, base_url: 'https://testflight.tremendous.com'}",
            {"gift_key": "x"},
            "warning",
            "ordered in the sandbox",
        ),
    ],
)
def test_doctor_says_what_a_channel_lacks(
    tmp_path: Path, file: str, secrets: dict[str, str], verdict: str, text: str
) -> None:
    found = tenant(tmp_path, file)
    keep(tmp_path, **secrets)
    finding = next(iter(check_channels(found, SecretFiles(tmp_path))))
    assert finding.verdict == verdict
    assert text in finding.text
    assert "xoxb-secret" not in finding.text


@pytest.mark.parametrize("file", ["slack: {audience: coaches}", "slack: {audience: coaches, channel: C0123456789}"])
def test_doctor_says_of_a_channels_secret_that_it_cannot_be_read(tmp_path: Path, file: str) -> None:
    found, name = tenant(tmp_path, file), "slack.token" if "channel" in file else "slack.webhook"
    (tmp_path / found.id / name).mkdir(parents=True)
    (finding, *_) = check_channels(found, SecretFiles(tmp_path))
    assert (finding.verdict, finding.text) == ("failed", f"{name} of {found.id} is a folder, and no file with a text")


def test_doctor_names_what_the_rulebook_wants_and_nobody_set_up(tmp_path: Path) -> None:
    findings = list(check_channels(tenant(tmp_path, ""), SecretFiles(tmp_path)))
    assert [finding.verdict for finding in findings] == ["warning"]
    assert "plans skip it" in findings[0].text
