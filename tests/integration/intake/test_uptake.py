"""Tenants, sources and secrets change under a running intake: its doors follow, and a hook ends as it began."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from agents.intake.course_hooks import KajabiHooks
from agents.intake.desk import Desk
from agents.intake.health_book import HealthBook
from agents.intake.hook_source import Place
from agents.intake.hooks import Hooks
from agents.intake.kept_hooks import KeptHooks
from agents.intake.secrecy import Secrecy
from agents.intake.served import Door, Secrets, Serving, TenantSources, Ways
from agents.intake.tallies import Tallies
from agents.intake.vendor_hooks import StandardHooks, TeachableHooks
from demo.vendors.habits import signed_webhook
from schemas.tenant import Source, WebhookSource
from tests.integration.intake.asked_school import School
from tests.integration.intake.practice import TRACKER, Practice
from tests.integration.intake.stage import (
    API_KEY,
    IDENTITY_KEY,
    PATH,
    WEBHOOK_SECRET,
    Stage,
    Studio,
    booking,
    checked,
    serve,
    until,
)  # fmt: skip

NEW_SECRET = "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXc="
APP = "{kind: standard_webhooks, name: app}"


async def test_a_new_sources_hook_is_404_until_its_files_are_written(practice: Practice) -> None:
    practice.describe(TRACKER, APP)
    with capture_logs() as logs:
        assert practice.look()
    assert [one["source"] for one in logs if one["event"] == "source_off"] == ["app"]
    assert await practice.hook("app") == 404
    practice.put(app_path=PATH, app_key=WEBHOOK_SECRET)
    with capture_logs() as logs:
        assert practice.look()
    assert [one["source"] for one in logs if one["event"] == "source_on"] == ["app"]
    assert (await practice.hook("app"), await practice.hook("tracker", number=2)) == (202, 202)
    assert {event.source.rpartition("/")[2] for event in await practice.stage.events()} == {"app", "tracker"}


async def test_a_rotated_key_and_path_hold_beside_the_old_ones_and_alone_once_those_are_retired(
    practice: Practice,
) -> None:
    practice.put(tracker_path="a-new-path", tracker_key=NEW_SECRET)
    assert (await practice.hook("tracker", key=NEW_SECRET), await practice.hook("tracker", path="a-new-path")) == (
        401,
        404,
    )
    practice.look()
    for number, key in enumerate((WEBHOOK_SECRET, NEW_SECRET)):
        for path in (PATH, "a-new-path"):
            assert await practice.hook("tracker", key=key, path=path, number=number) == 202
    practice.secrets.retire(practice.stage.tenant, "tracker.key")
    practice.secrets.retire(practice.stage.tenant, "tracker.path")
    practice.look()
    assert await practice.hook("tracker", key=NEW_SECRET, path="a-new-path", number=9) == 202
    assert await practice.hook("tracker", key=WEBHOOK_SECRET, path="a-new-path") == 401
    assert await practice.hook("tracker", key=NEW_SECRET) == 404


async def test_a_tenant_that_does_not_hold_up_leaves_what_was_in_force(practice: Practice) -> None:
    practice.describe("{kind: carrier_pigeon, name: app}")
    with capture_logs() as logs:
        assert not practice.look()
    (told,) = logs
    assert (told["event"], told["reason"]) == ("rules.rejected", "invalid")
    assert await practice.hook("tracker") == 202
    shutil.rmtree(practice.folder / practice.stage.tenant)
    assert not practice.look()
    assert await practice.hook("tracker", number=2) == 202


async def test_a_secret_that_no_key_opens_leaves_the_old_one_in_force(practice: Practice) -> None:
    (practice.secrets.folder / practice.stage.tenant / "tracker.key").write_text("sealed:by another key")
    assert not practice.look()
    assert await practice.hook("tracker") == 202


async def test_a_new_tenants_hook_is_taken(practice: Practice) -> None:
    oak = f"{practice.stage.tenant}oak"
    assert await practice.hook("app", tenant=oak) == 404
    practice.put(tenant=oak, app_path=PATH, app_key=WEBHOOK_SECRET)
    practice.describe(APP, tenant=oak)
    practice.look()
    assert await practice.hook("app", tenant=oak) == 202


async def test_a_source_that_is_gone_has_no_address_any_more(practice: Practice) -> None:
    practice.describe()
    with capture_logs() as logs:
        practice.look()
    assert [one["source"] for one in logs if one["event"] == "source_gone"] == ["tracker"]
    assert await practice.hook("tracker") == 404


async def test_a_hook_under_way_ends_with_what_it_began_with(stage: Stage) -> None:
    began, free = asyncio.Event(), asyncio.Event()

    class Slow(StandardHooks):
        async def read(self, headers: Mapping[str, str], body: bytes, heard_at: datetime, asking: Place) -> Any:
            began.set()
            await free.wait()
            return await super().read(headers, body, heard_at, asking)

    def make(tenant: TenantSources, source: Source, secrets: Secrets) -> Ways:
        slow = Slow(source.name, secrets(tenant.id, "tracker.key"))
        return Ways(door=Door(tenant=tenant.id, source=slow, secrets=secrets(tenant.id, "tracker.path")))

    serving, desk, clock = Serving(make), Desk(stage.intake.admission), stage.config.clock
    tracker = WebhookSource(kind="standard_webhooks", name="tracker")
    serving.take_up((Studio(id=stage.tenant, sources=(tracker,)),), stage.config.secrets)
    kept = KeptHooks(stage.pool, stage.config.queries, clock, desk, Secrecy(IDENTITY_KEY), serving.now)
    async with serve(Hooks(serving.now, desk=desk, kept=kept, clock=clock).routes()) as stage.url:
        hook = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-7"))
        under_way = asyncio.create_task(stage.post("tracker", *hook))
        await began.wait()
        serving.take_up((), stage.config.secrets)
        assert await stage.post("tracker", *hook) == 404
        free.set()
        assert await under_way == 202
    assert len(await stage.events()) == 1


async def test_what_did_not_change_is_kept_with_all_that_it_remembers(practice: Practice) -> None:
    tenant, served = practice.stage.tenant, practice.stage.intake.served
    practice.describe(TRACKER, APP)
    practice.put(app_path=PATH, app_key=WEBHOOK_SECRET)
    practice.look()
    app, tracker = (served().door(tenant, name) for name in ("app", "tracker"))
    practice.put(app_key=NEW_SECRET)
    practice.look()
    assert served().door(tenant, "tracker") is tracker
    assert served().door(tenant, "app") is not app
    before = served()
    practice.stage.intake.take_up(practice.uptake.tenants().values(), practice.uptake.secrets)
    assert served() is before


async def test_a_kept_hook_waits_for_its_source_to_be_on_again(practice: Practice) -> None:
    stage = practice.stage
    entry = "kind: acuity, name: acuity, account: '1', user_id: '7', reread_hours: 0"
    practice.describe(f"{{{entry}, base_url: '{stage.acuity.base_url}'}}")
    practice.put(acuity_path=PATH, acuity_key=API_KEY)
    practice.look()
    stage.acuity.book(booking())
    stage.acuity.faults.append(401)
    assert await stage.post("acuity", *stage.acuity.signed_hook("scheduled", 54321)) == 202
    file = practice.secrets.folder / stage.tenant / "acuity.key"
    file.unlink()
    practice.look()

    async def read() -> None:
        """The service, and the stage's own that does not know the tenant, have looked at what is kept."""
        await stage.pool.execute("UPDATE kept_hooks SET due_at = now() - interval '1 s'")
        while await stage.pool.fetchval("SELECT min(due_at) <= now() FROM kept_hooks"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)

    await read()
    assert (await stage.events(), await stage.pool.fetchval("SELECT count(*) FROM kept_hooks")) == ([], 1)
    practice.put(acuity_key=API_KEY)
    practice.look()
    async with asyncio.timeout(60):
        while await stage.pool.fetchval("SELECT count(*) FROM kept_hooks"):
            await read()
    assert [event.type for event in await stage.events()] == ["session.booked"]


async def test_the_health_of_sources_follows(practice: Practice) -> None:
    stage = practice.stage
    book = HealthBook(stage.pool, stage.config.queries, Tallies(), stage.intake.served)

    async def shown() -> list[float | None]:
        await book.look(datetime.now(UTC))
        states = ("off", "unserved", "waiting")
        return [REGISTRY.get_sample_value("cairn_sources", {"source": "kajabi", "state": one}) for one in states]

    practice.describe("{kind: kajabi, name: school}")
    practice.look()
    assert await shown() == [1, 0, 0]
    practice.put(school_path=PATH)
    practice.look()
    async with asyncio.timeout(60):
        while await shown() != [0, 0, 1]:  # noqa: ASYNC110 - the service makes it known
            await asyncio.sleep(0.05)
    assert REGISTRY.get_sample_value("cairn_source_heard_timestamp_seconds", {"source": "kajabi"}) is not None
    practice.describe(TRACKER)
    practice.look()
    assert await shown() == [0, 0, 0]
    assert REGISTRY.get_sample_value("cairn_source_heard_timestamp_seconds", {"source": "kajabi"}) is None


async def test_it_looks_by_itself_and_hands_over_what_has_changed(practice: Practice) -> None:
    running = asyncio.create_task(practice.uptake.run(practice.stage.intake.take_up, 0.01))
    practice.describe(TRACKER, APP)
    practice.put(app_path=PATH, app_key=WEBHOOK_SECRET)
    await until(lambda: practice.stage.intake.served().door(practice.stage.tenant, "app") is not None)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await practice.hook("app") == 202


async def test_a_tenants_questions_to_a_tool_share_a_limit_that_outlives_its_sources(asked_school: School) -> None:
    intake, config = asked_school.stage.intake, asked_school.stage.config
    (studio,) = config.tenants

    def api(tenant: str, source: str) -> Any:
        door = intake.served().door(tenant, source)
        assert door is not None
        assert isinstance(door.source, TeachableHooks | KajabiHooks)
        return door.source._api

    def secrets(tenant: str, name: str) -> tuple[str, ...]:
        part = name.partition(".")[2]
        return (f"another-{part}",) if part != "path" else config.secrets(tenant, name.replace("second", "school"))

    before = [api(studio.id, name) for name in ("school", "kajabi")]
    second = next(source for source in studio.sources if source.name == "school").model_copy(update={"name": "second"})
    neighbour = Studio(id=f"{studio.id}b", sources=(second,))
    intake.take_up([], config.secrets)
    intake.take_up([Studio(id=studio.id, sources=(*studio.sources, second)), neighbour], secrets)
    after = [api(studio.id, name) for name in ("school", "kajabi", "second")]
    assert not {*before} & {*after}
    assert [each._limiter for each in after] == [each._limiter for each in (*before, before[0])]
    assert api(neighbour.id, "second")._limiter != before[0]._limiter
