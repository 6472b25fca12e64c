"""A tenant whose Teachable and Kajabi are asked back, with both APIs beside it, and hooks that claim completions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.intake.service import run_intake
from schemas.tenant import KajabiSource, Source, TeachableSource
from tests.integration.intake.course_servers import FIXTURES, KajabiServer, TeachableServer
from tests.integration.intake.stage import PATH, Stage, Studio, serve, until

TEACHABLE: dict[str, Any] = json.loads((FIXTURES / "teachable.json").read_text())
KAJABI: dict[str, Any] = json.loads((FIXTURES / "kajabi_hooks.json").read_text())
KEY, SECRET = "an-api-key", "a-client-secret"
TAGS = {
    "Module 1 done": {"type": "course.completed", "id": "module-1"},
    "Launched": {"type": "goal.completed", "id": "launch"},
    "Started": {"type": "program.enrolled", "id": "launch"},
}
COMPLETED = TEACHABLE["Enrollment.completed"]
ANA = str(COMPLETED["object"]["user"]["id"])


@dataclass(slots=True, kw_only=True)
class School:
    """A tenant of both tools, whose APIs are asked."""

    stage: Stage
    teachable: TeachableServer
    kajabi: KajabiServer

    async def post(self, source: str, body: Any) -> None:
        assert await self.stage.post(source, json.dumps(body).encode(), {}) == 202

    async def types(self) -> list[str]:
        return [event.type for event in await self.stage.events()]

    async def reasons(self) -> list[str]:
        return [reason for reason, _ in await self.stage.dead_letters()]

    async def kept(self) -> int:
        return int(
            await self.stage.pool.fetchval("SELECT count(*) FROM kept_hooks WHERE tenant = $1", self.stage.tenant)
        )

    async def read_what_was_kept(self) -> None:
        """The service reads all that it kept."""
        await self.stage.pool.execute("UPDATE kept_hooks SET due_at = now() - interval '1 s'")
        async with asyncio.timeout(60):
            while await self.kept():  # noqa: ASYNC110 - the service empties the table
                await asyncio.sleep(0.05)


def sources(teachable: TeachableServer, kajabi: KajabiServer) -> tuple[Source, ...]:
    """Both tools at a host with a name, as vendors have one: cookies of an address alone are never kept."""
    teachables, kajabis = (server.base_url.replace("127.0.0.1", "localhost") for server in (teachable, kajabi))
    site = {"kind": "kajabi", "name": "kajabi", "tags": TAGS, "base_url": kajabis}
    school = {"kind": "teachable", "name": "school", "base_url": teachables}
    return KajabiSource.model_validate(site), TeachableSource.model_validate(school)


def secrets(_tenant: str, name: str) -> tuple[str, ...]:
    return {
        "school.path": (PATH,),
        "school.key": (KEY,),
        "kajabi.path": (PATH,),
        "kajabi.client_id": ("a-client",),
        "kajabi.client_secret": (SECRET,),
    }.get(name, ())


@asynccontextmanager
async def open_school(stage: Stage, spool_dir: Path) -> AsyncIterator[School]:
    """A service of this tenant alone, on the stage's broker and database."""
    stage.intake.background.cancel()  # it would claim what this one keeps, and put it off: it does not know the tenant
    async with AsyncExitStack() as stack:
        teachable = await stack.enter_async_context(TeachableServer(KEY))
        kajabi = await stack.enter_async_context(KajabiServer(SECRET))
        studio = Studio(id=f"{stage.tenant}a", sources=sources(teachable, kajabi))
        config = replace(stage.config, tenants=(studio,), secrets=secrets, spool_dir=spool_dir)
        intake = await stack.enter_async_context(run_intake(config, stage.pool))
        await until(lambda: intake.producer.is_live)
        url = await stack.enter_async_context(serve(intake.routes))
        yield School(
            stage=replace(stage, tenant=studio.id, url=url, intake=intake, config=config),
            teachable=teachable,
            kajabi=kajabi,
        )


def tagged(event: str = "tag_added", updated_at: str = "2025-07-31T16:51:04.010Z", **changes: Any) -> dict[str, Any]:
    """A tag's hook; `contact` and `tag` are ids, `email` the contact's, `name` the tag's."""
    body: dict[str, Any] = deepcopy(KAJABI[event])
    person, label = body["payload"]
    person["id"], label["id"] = changes.get("contact", person["id"]), changes.get("tag", label["id"])
    person["attributes"].update(updated_at=updated_at, email=changes.get("email", person["attributes"]["email"]))
    label["attributes"]["name"] = changes.get("name", label["attributes"]["name"])
    return body


def completed(**changes: Any) -> dict[str, Any]:
    """A hook of a completed course; what is given of `user` replaces it, `hook_event_id` is the envelope's."""
    body = deepcopy(COMPLETED)
    body["hook_event_id"] = changes.pop("hook_event_id", body["hook_event_id"])
    body["object"]["user"].update(changes.pop("user", {}))
    body["object"].update(changes)
    return body
