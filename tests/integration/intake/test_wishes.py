"""What a client says to us reaches the clients topic by the one path of profiles."""

import time
from typing import Any

from demo.vendors.habits import send_webhook
from schemas.client import Profile
from tests.integration.intake.stage import WEBHOOK_SECRET, Stage, checked

SAID = {"granted": False, "source": "page", "at": "2026-05-08T12:00:00Z"}
ANA = {"id": "7", "name": "Ana", "email": "ana@example.com"}


async def hook(stage: Stage, **client: Any) -> str:
    """A tool tells of the client; returns our id."""
    url = stage.hook_url("tracker")
    message = checked({**ANA, **client})
    await send_webhook(stage.session, url, secret=WEBHOOK_SECRET, webhook_id=f"m{time.monotonic()}", message=message)
    return str((await stage.profiles())[-1][0])


async def test_a_wish_is_joined_to_what_was_published_last(stage: Stage) -> None:
    client = await hook(stage)
    facts = {"consents": {"marketing": SAID}, "channels": {"sms": False}}
    for _ in range(2):
        assert await stage.intake.admission.restate(stage.tenant, client, facts)
    profiles = [profile for _, profile in await stage.profiles()]
    assert len(profiles) == 2
    assert profiles[1] is not None
    assert (profiles[1].name, profiles[1].channels) == ("Ana", {"sms": False})
    assert profiles[1].consents["marketing"].granted is False


async def test_a_tool_that_repeats_an_old_consent_undoes_no_wish(stage: Stage) -> None:
    old = {"marketing": {"granted": True, "source": "crm", "at": "2026-05-01T12:00:00Z"}}
    client = await hook(stage, consents=old)
    await stage.intake.admission.restate(stage.tenant, client, {"consents": {"marketing": SAID}})
    await hook(stage, consents=old, name="Ana B.")
    profile = (await stage.profiles())[-1][1]
    assert profile is not None
    assert (profile.name, profile.consents["marketing"].granted) == ("Ana B.", False)


async def test_a_wish_that_could_not_be_published_goes_with_the_next_profile(stage: Stage) -> None:
    client = await hook(stage)
    await stage.pool.execute(
        "INSERT INTO consent_wishes (tenant, client, kind, granted, source, author, wished_at)"
        " VALUES ($1, $2, 'story', true, 'page', 'client', '2026-05-08T12:00:00Z')",
        stage.tenant,
        client,
    )
    await hook(stage, name="Ana B.")
    profile = (await stage.profiles())[-1][1]
    assert profile is not None
    assert profile.consents["story"].granted


async def test_a_platforms_own_profile_is_not_wiped_by_a_wish(stage: Stage) -> None:
    said = {"consents": {"marketing": SAID}}
    assert not await stage.intake.admission.restate(stage.tenant, "theirs", said)
    assert await stage.profiles() == []
    own = Profile(name="Bea", tags=("vip",)).model_dump_json(exclude_defaults=True)
    await stage.pool.execute(
        "INSERT INTO clients (tenant, client, profile) VALUES ($1, 'theirs', $2::jsonb)", stage.tenant, own
    )
    assert await stage.intake.admission.restate(stage.tenant, "theirs", said)
    ((client, profile),) = await stage.profiles()
    assert profile is not None
    assert (client, profile.name, profile.tags, set(profile.consents)) == ("theirs", "Bea", ("vip",), {"marketing"})


async def test_nothing_is_published_about_who_was_erased(stage: Stage) -> None:
    client = await hook(stage)
    await stage.intake.admission.erase(stage.tenant, client)
    assert not await stage.intake.admission.restate(stage.tenant, client, {"consents": {"marketing": SAID}})
    assert (await stage.profiles())[-1] == (client, None)
