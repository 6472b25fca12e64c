"""A tenant in files, and an intake that took up what they said at its start."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.intake.service import run_intake
from agents.secret_files import SecretFiles
from agents.uptake import Uptake
from demo.vendors.habits import signed_webhook
from tests.agents.test_tenant_watch import write
from tests.agents.test_tenants import COACHES
from tests.integration.intake.stage import PATH, WEBHOOK_SECRET, Stage, checked, serve, until

TRACKER = "{kind: standard_webhooks, name: tracker}"


def described(*sources: str) -> str:
    return f"name: Iron\nsender: {{from_name: I, from_address: i@example.org}}\nsources: [{', '.join(sources)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A tenant in files, and an intake that took up what they said at its start."""

    stage: Stage
    folder: Path
    secrets: SecretFiles
    uptake: Uptake

    def describe(self, *sources: str, tenant: str | None = None) -> None:
        write(self.folder / (tenant or self.stage.tenant), tenant=described(*sources), coaches=COACHES)

    def put(self, tenant: str | None = None, **values: str) -> None:
        for name, value in values.items():
            self.secrets.put(tenant or self.stage.tenant, name.replace("_", "."), value)

    def look(self) -> bool:
        """One look that reads every change, as at SIGHUP."""
        has_changed = self.uptake.look(settled=False)
        if has_changed:
            self.stage.intake.take_up(self.uptake.tenants().values(), self.uptake.secrets)
        return has_changed

    async def hook(
        self, source: str, *, key: str = WEBHOOK_SECRET, path: str = PATH, number: int = 1, tenant: str | None = None
    ) -> int:
        body, headers = signed_webhook(key, f"m{number}", checked("u-7"))
        url = f"{self.stage.url}/hooks/{tenant or self.stage.tenant}/{source}/{path}"
        async with self.stage.session.post(url, data=body, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def open_practice(stage: Stage, tmp_path: Path) -> AsyncIterator[Practice]:
    """The stage with an intake of the practice's own."""
    folder, secrets = tmp_path / "tenants", SecretFiles(tmp_path / "secrets")
    stage.tenant = f"{stage.tenant}u"
    write(folder / stage.tenant, tenant=described(TRACKER), coaches=COACHES)
    secrets.put(stage.tenant, "tracker.path", PATH)
    secrets.put(stage.tenant, "tracker.key", WEBHOOK_SECRET)
    uptake = Uptake(folder, secrets)
    tenants, spool_dir = tuple(uptake.tenants().values()), tmp_path / "uptake"
    stage.config = dataclasses.replace(stage.config, tenants=tenants, secrets=uptake.secrets, spool_dir=spool_dir)
    async with run_intake(stage.config, stage.pool) as stage.intake, serve(stage.intake.routes) as stage.url:
        await until(lambda: stage.intake.producer.is_live)
        yield Practice(stage=stage, folder=folder, secrets=secrets, uptake=uptake)
