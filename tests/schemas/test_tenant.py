"""What a tenant's folder says, and what it may not say."""

from contextlib import nullcontext
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.tenant import (
    AcuitySource,
    CoachesFile,
    KajabiSource,
    TeachableSource,
    TenantFile,
    ThinkificSource,
    WebhookSource,
    lacking_to_ask,
    missing_secrets,
    secret_names,
)

SENDER = {"from_name": "Acme", "from_address": "hello@acme.example"}
COACH = {"id": "mara", "name": "Mara", "email": "mara@acme.example"}


def test_a_tenant_needs_a_name_and_a_sender_and_lives_in_utc_until_it_says_otherwise() -> None:
    tenant = TenantFile.model_validate({"name": "Acme", "sender": SENDER})
    assert (tenant.timezone, tenant.sources) == ("UTC", ())


def test_a_source_is_told_by_its_kind() -> None:
    sources = [
        {"kind": "acuity", "name": "acuity", "account": "a", "user_id": "1"},
        {"kind": "standard_webhooks", "name": "hooks"},
        {"kind": "habit_pull", "name": "habits", "base_url": "https://habits.example"},
        {"kind": "calendly", "name": "calls"},
        {"kind": "teachable", "name": "school"},
    ]
    tenant = TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": sources})
    assert [source.kind for source in tenant.sources] == [source["kind"] for source in sources]
    assert [secret_names(source) for source in tenant.sources] == [
        ("acuity.path", "acuity.key"),
        ("hooks.path", "hooks.key"),
        ("habits.key",),
        ("calls.path", "calls.key"),
        ("school.path",),
    ]


def test_a_tag_may_stand_for_progress_by_so_many_percent() -> None:
    tags = {
        "Module 1": {"type": "course.progressed", "id": "c-1", "percent": 25},
        "Graduate": {"type": "program.completed", "id": "p-1"},
    }
    sources = [{"kind": "kajabi", "name": "kajabi", "tags": tags}, {"kind": "thinkific", "name": "thinkific"}]
    kajabi, thinkific = TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": sources}).sources
    assert isinstance(kajabi, KajabiSource)
    assert (kajabi.tags["Module 1"].percent, kajabi.tags["Graduate"].percent) == (25, None)
    assert isinstance(thinkific, ThinkificSource)


@pytest.mark.parametrize("meaning", [
    {"type": "course.progressed", "id": "c-1"}, {"type": "goal.completed", "id": "g-1", "percent": 25},
    {"type": "course.progressed", "id": "c-1", "percent": 101}, {"type": "habit.checked", "id": "h-1"},
])  # fmt: skip
def test_a_tag_that_cannot_mean_what_it_says_is_refused(meaning: dict[str, Any]) -> None:
    source = {"kind": "kajabi", "name": "kajabi", "tags": {"Module 1": meaning}}
    with pytest.raises(ValidationError):
        TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": [source]})


def test_a_source_is_silent_after_three_days_unless_it_says_otherwise() -> None:
    plain = {"kind": "standard_webhooks", "name": "hooks"}
    sources = [plain, {**plain, "name": "others", "silent_after_hours": 240}]
    tenant = TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": sources})
    assert [source.silent_after_hours for source in tenant.sources] == [72, 240]
    with pytest.raises(ValidationError):
        TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": [{**plain, "silent_after_hours": 0}]})


def test_a_source_lacks_those_secrets_that_have_no_valid_value_in_its_own_tenants_folder() -> None:
    hooks = WebhookSource(kind="standard_webhooks", name="hooks")
    valid = {("acme", "hooks.path"): ("a1",), ("acme", "hooks.key"): (), ("other", "hooks.key"): ("whsec_1", "whsec_2")}

    def values(tenant: str, name: str) -> tuple[str, ...]:
        return valid.get((tenant, name), ())

    assert missing_secrets("acme", hooks, values) == ("hooks.key",)
    assert missing_secrets("other", hooks, values) == ("hooks.path",)


def test_a_source_that_signs_nothing_says_which_secrets_it_lacks_to_ask_its_tool() -> None:
    site = KajabiSource(kind="kajabi", name="site")
    school = TeachableSource(kind="teachable", name="school")
    hooks = WebhookSource(kind="standard_webhooks", name="hooks")

    def values(_tenant: str, name: str) -> tuple[str, ...]:
        return {"site.client_id": ("a",), "school.key": ("b",)}.get(name, ())

    assert lacking_to_ask("acme", site, values) == ("site.client_secret",)
    assert lacking_to_ask("acme", school, values) == lacking_to_ask("acme", hooks, values) == ()


def test_the_secrets_of_a_source_bear_its_name() -> None:
    sources = [
        {"kind": "calendly", "name": "calls"},
        {"kind": "kajabi", "name": "school"},
        {"kind": "habit_pull", "name": "habits", "base_url": "https://habits.example"},
    ]
    tenant = TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": sources})
    named = [secret_names(source) for source in tenant.sources]
    assert named == [("calls.path", "calls.key"), ("school.path",), ("habits.key",)]


@pytest.mark.parametrize("more", [
    {"timezone": "Mars/Base"}, {"secret": "x"}, {"sender": {**SENDER, "from_address": "nobody"}},
    {"sources": [{"kind": "carrier_pigeon", "name": "p"}]}, {"sources": [{"kind": "standard_webhooks", "name": "A b"}]},
    {"sources": [{"kind": "acuity", "name": "a", "account": "1", "user_id": "1:2"}]},
])  # fmt: skip
def test_what_a_tenant_cannot_mean_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TenantFile.model_validate({"name": "Acme", "sender": SENDER, **more})


def test_two_sources_of_one_name_are_refused_with_the_name_whatever_their_kinds() -> None:
    hooks = {"kind": "standard_webhooks", "name": "app"}
    others = [{"kind": "calendly", "name": "app"}, {"kind": "kajabi", "name": "school"}]
    with pytest.raises(ValidationError, match="more than one source is named app:"):
        TenantFile.model_validate({"name": "Acme", "sender": SENDER, "sources": [hooks, *others]})


@pytest.mark.parametrize(("hours", "holds"), [(0, True), (168, True), (-1, False), (169, False)])
def test_appointments_are_read_again_every_six_hours_unless_told_otherwise(hours: int, holds: bool) -> None:
    acuity = {"kind": "acuity", "name": "acuity", "account": "a", "user_id": "1"}
    assert AcuitySource.model_validate(acuity).reread_hours == 6
    with nullcontext() if holds else pytest.raises(ValidationError):
        AcuitySource.model_validate({**acuity, "reread_hours": hours})


def test_somebody_signs() -> None:
    assert CoachesFile.model_validate({"coaches": [COACH]}).coaches[0].timezone == "UTC"
    for coaches in ([], [{**COACH, "timezone": "Mars/Base"}]):
        with pytest.raises(ValidationError):
            CoachesFile.model_validate({"coaches": coaches})
