"""Tenants are read whole, with every error at once."""

from pathlib import Path

import pytest

from agents.tenants import (
    STARTER_RULEBOOK,
    TenantErrors,
    load_tenants,
    rulebook_file,
    unknown_rule,
    unknown_tenant,
)

TENANT = """
name: Iron & Oak
timezone: Europe/Vienna
sender: {from_name: Iron & Oak, from_address: hello@ironandoak.example.org}
sources:
  - {kind: acuity, name: acuity, account: "12", user_id: "12"}
  - {kind: habit_pull, name: habits, base_url: "http://127.0.0.1:9/api"}
"""
COACHES = """
coaches:
  - {id: mara, name: Mara Lind, email: mara@example.org, timezone: Europe/Vienna}
  - {id: joe, name: Joe Oak, email: joe@example.org}
"""


def _write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_a_channel_goes_by_itself_once_it_is_set_up(tmp_path: Path) -> None:
    rulebook = "version: 1\ntiers:\n  micro: {channels: [sms, in_app]}\nrules: []\n"
    account = f'sms: {{account: "AC{"0a" * 16}", sender: "+15005550006"}}\n'
    _write(tmp_path / "without", tenant=TENANT, coaches=COACHES, rulebook=rulebook)
    _write(tmp_path / "with", tenant=TENANT + account, coaches=COACHES, rulebook=rulebook)
    tenants = load_tenants(tmp_path)
    off = {name: set(found.channels_not_set_up) for name, found in tenants.items()}
    assert off["without"] - off["with"] == {"sms"}
    assert tenants["with"].channels - tenants["without"].channels == {"sms"}


@pytest.mark.parametrize(
    "sms", ['{account: AC1, sender: "+15005550006"}', '{account: "AC%s", sender: Northstar}' % ("0a" * 16)]
)
def test_an_account_for_text_messages_that_cannot_be_one_is_refused(tmp_path: Path, sms: str) -> None:
    _write(tmp_path / "iron", tenant=f"{TENANT}sms: {sms}\n", coaches=COACHES)
    with pytest.raises(TenantErrors, match=r"tenant\.yaml: sms\."):
        load_tenants(tmp_path)


def test_a_folder_is_a_tenant_with_the_starter_rulebook_unless_it_has_its_own(tmp_path: Path) -> None:
    _write(tmp_path / "iron", tenant=TENANT, coaches=COACHES)
    tenant = load_tenants(tmp_path)["iron"]
    assert tenant.name == "Iron & Oak"
    assert [source.kind for source in tenant.sources] == ["acuity", "habit_pull"]
    assert "iron-streak" in tenant.rulebook.by_id


def test_the_file_of_a_rulebook_is_the_tenants_own_or_the_starter(tmp_path: Path) -> None:
    _write(tmp_path / "iron", tenant=TENANT, coaches=COACHES)
    _write(tmp_path / "oak", tenant=TENANT, coaches=COACHES, rulebook="rules: []\n")
    assert rulebook_file(tmp_path, "oak") == tmp_path / "oak" / "rulebook.yaml"
    assert {rulebook_file(tmp_path, "iron"), rulebook_file(tmp_path, "elm"), rulebook_file(None, "oak")} == {
        STARTER_RULEBOOK
    }


def test_a_client_without_a_known_coach_is_answered_by_the_first(tmp_path: Path) -> None:
    _write(tmp_path / "iron", tenant=TENANT, coaches=COACHES)
    tenant = load_tenants(tmp_path)["iron"]
    assert tenant.coach("joe").name == "Joe Oak"
    assert tenant.coach("nobody").name == tenant.coach(None).name == "Mara Lind"


def test_every_error_of_every_tenant_is_told_at_once(tmp_path: Path) -> None:
    _write(tmp_path / "a", tenant=TENANT.replace("Vienna", "Wien"), coaches="coaches: []")
    _write(tmp_path / "b", tenant="- not a tenant", coaches=COACHES, rulebook="rules: 7")
    with pytest.raises(TenantErrors) as refused:
        load_tenants(tmp_path)
    text = str(refused.value)
    for part in ("a/tenant.yaml: timezone", "a/coaches.yaml: coaches", "b/tenant.yaml", "b/rulebook.yaml"):
        assert part in text


def test_no_tenant_at_all_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TenantErrors, match=r"make a folder with tenant\.yaml"):
        load_tenants(tmp_path)


OWN = "{version: 1, rules: [{id: twelve-walks, tier: micro, when: {count: habit.checked, reaches: [12]}}]}"


def test_a_rule_is_known_where_a_rulebook_has_it(tmp_path: Path) -> None:
    _write(tmp_path / "iron", tenant=TENANT, coaches=COACHES)
    _write(tmp_path / "oak", tenant=TENANT, coaches=COACHES, rulebook=OWN)
    tenants = load_tenants(tmp_path)
    for tenant, rule in (
        ("iron", "iron-streak"),
        ("oak", "twelve-walks"),
        (None, "iron-streak"),
        (None, "twelve-walks"),
    ):
        assert unknown_rule(tenants, tenant, rule) is None
    for tenant, rule, correction in (
        ("iron", "twelve-walks", "no rulebook of iron has this rule: the nearest is first-goal"),
        ("oak", "iron-streak", "no rulebook of oak has this rule: the nearest is twelve-walks"),
        (None, "iron-streek", "no tenant's rulebook has this rule: the nearest is iron-streak"),
        ("steel", "iron-streak", "no rulebook of steel has this rule"),
    ):
        assert unknown_rule(tenants, tenant, rule) == correction


def test_a_tenant_is_known_by_its_folder_alone_and_a_slip_is_told_the_nearest() -> None:
    assert unknown_tenant({"iron", "oak"}, "oak") is None
    assert unknown_tenant({"iron", "oak"}, "oac") == "no tenant has this name: the nearest is oak"
    assert unknown_tenant({}, "oak") == "no tenant has this name"
