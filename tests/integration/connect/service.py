"""The door of a running service, with the database that its trials must reach; the vendors' checks of a signature
are written a second time here, so that both sides cannot be wrong in the same way."""

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from agents.clock import Clock
from agents.intake.admission import Admission
from agents.intake.desk import Desk
from agents.intake.finding import Finding, Ignored
from agents.intake.health_book import HealthBook
from agents.intake.hook_source import Place
from agents.intake.hooks import Hooks
from agents.intake.kept_hooks import KeptHooks
from agents.intake.producer import Producer
from agents.intake.secrecy import Secrecy
from agents.intake.served import Door, Secrets, Serving, TenantSources, Ways
from agents.intake.spool import Spool
from agents.intake.tallies import Tallies
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.secret_files import SecretFiles
from agents.uptake import Uptake
from schemas.tenant import Source
from tests.integration.intake.stage import IDENTITY_KEY, serve

QUERIES = load_queries("intake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """A source that verifies as its vendor's pages say, and reads nothing."""

    kind: str
    name: str
    keys: tuple[str, ...]

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        return self.kind == "kajabi" or any(self._fits(headers, body, key) for key in self.keys)

    def _fits(self, headers: Mapping[str, str], body: bytes, key: str) -> bool:
        if self.kind == "standard_webhooks":
            try:
                Webhook(key).verify(body, dict(headers), json_parse=False)
            except WebhookVerificationError:
                return False
            return True
        if self.kind == "calendly":
            parts = dict(part.split("=", 1) for part in headers.get("calendly-webhook-signature", "t=0,v1=").split(","))
            signed = hmac.new(key.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
            return parts["v1"] == signed
        digest = hmac.new(key.encode(), body, hashlib.sha256)
        if self.kind == "acuity":
            return headers.get("x-acuity-signature") == b64encode(digest.digest()).decode()
        return headers.get("x-thinkific-hmac-sha256") == digest.hexdigest()

    async def read(
        self, _headers: Mapping[str, str], _body: bytes, _at: datetime, _asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        raise AssertionError("a trial goes no further than the door")


def _ways(tenant: TenantSources, source: Source, secrets: Secrets) -> Ways:
    if "path" not in source.needed_secrets:
        return Ways()
    keys = secrets(tenant.id, f"{source.name}.key")
    verifying = Verifying(kind=source.kind, name=source.name, keys=keys)
    return Ways(door=Door(tenant=tenant.id, source=verifying, secrets=secrets(tenant.id, f"{source.name}.path")))


@asynccontextmanager
async def service(pool: Pool, spool_dir: Path, tenants_dir: Path, secrets: SecretFiles) -> AsyncIterator[str]:
    """The service, which takes tenants and secrets up while it runs; gives its public address."""
    serving, uptake = Serving(_ways), Uptake(tenants_dir, secrets)
    serving.take_up(uptake.tenants().values(), uptake.secrets)
    tallies, clock = Tallies(), Clock()
    producer = Producer({"bootstrap_servers": "127.0.0.1:1"}, Spool(spool_dir, max_bytes=1024 * 1024))
    secrecy = Secrecy(IDENTITY_KEY)
    desk = Desk(Admission(pool, QUERIES, producer, secrecy), tallies)
    kept = KeptHooks(pool, QUERIES, clock, desk, secrecy, serving.now)
    book = HealthBook(pool, QUERIES, tallies, serving.now)
    hooks = Hooks(serving.now, desk=desk, kept=kept, clock=clock, tallies=tallies)
    async with serve(hooks.routes()) as url:
        tasks = [asyncio.create_task(work) for work in (book.run(), uptake.run(serving.take_up, 0.05))]
        try:
            yield url
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await book.close()
