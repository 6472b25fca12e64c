from pathlib import Path

import pytest

import demo.tenant
from agents.secret_files import SecretFiles
from agents.tenants import load_tenant
from demo.tenant import TENANT, Secrets, Vendors, rulebook_text, write_tenant
from schemas.rulebook import load_rulebook

VENDORS = Vendors(acuity_url="http://127.0.0.1:1", habits_url="http://127.0.0.1:2", gifts_url="http://127.0.0.1:3")


def test_the_practice_gives_within_its_budget_without_asking() -> None:
    policy = load_rulebook(rulebook_text(), "rulebook.yaml").policy
    assert (policy.tiers["major"].approval, policy.tiers["major"].gift_cents) == ("never", 2_500)
    assert (policy.budget.client_month_cents, policy.budget.tenant_month_cents) == (4_000, 100_000)


def test_a_starter_without_what_the_practice_changes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter = tmp_path / "starter.yaml"
    starter.write_text(demo.tenant.STARTER.read_text(encoding="utf-8").replace("approval: money", "approval: always"))
    monkeypatch.setattr(demo.tenant, "STARTER", starter)
    with pytest.raises(ValueError, match="0 times, not once: approval: money"):
        rulebook_text()


def test_the_folder_sets_up_every_channel_that_its_rulebook_names(tmp_path: Path) -> None:
    keys = Secrets()
    write_tenant(tmp_path / "tenants", tmp_path / "secrets", keys, VENDORS)
    tenant = load_tenant(tmp_path / "tenants" / TENANT)
    assert tenant.channels_not_set_up == ()
    assert SecretFiles(tmp_path / "secrets").values(TENANT, "gift.key") == (keys.gift_key,)
