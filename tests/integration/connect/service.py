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
from agents.intake.hooks import Door, Hooks
from agents.intake.kept_hooks import KeptHooks
from agents.intake.producer import Producer
from agents.intake.secrecy import Secrecy
from agents.intake.spool import Spool
from agents.intake.tallies import Tallies
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.secret_files import SecretFiles
from schemas.tenant import Source, missing_secrets
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

    async def read(self, _headers: Mapping[str, str], _body: bytes, _at: datetime) -> tuple[Finding | Ignored, ...]:
        raise AssertionError("a trial goes no further than the door")


@asynccontextmanager
async def service(
    pool: Pool, folder: Path, tenant: str, sources: tuple[Source, ...], secrets: SecretFiles
) -> AsyncIterator[str]:
    """The service as it starts with the secrets that are there now; gives its public address."""
    served = [
        source
        for source in sources
        if "path" in source.needed_secrets and not missing_secrets(tenant, source, secrets.values)
    ]
    doors = [
        Door(
            tenant=tenant,
            source=Verifying(kind=one.kind, name=one.name, keys=secrets.values(tenant, f"{one.name}.key")),
            secrets=secrets.values(tenant, f"{one.name}.path"),
        )
        for one in served
    ]
    tallies, clock = Tallies(), Clock()
    producer = Producer({"bootstrap_servers": "127.0.0.1:1"}, Spool(folder, max_bytes=1024 * 1024))
    desk = Desk(Admission(pool, QUERIES, producer, Secrecy(IDENTITY_KEY)), tallies)
    kept = KeptHooks(pool, QUERIES, clock, desk, {})
    book = HealthBook(pool, QUERIES, tallies, {(tenant, one.name): one for one in served}, frozenset())
    hooks = Hooks(doors, desk=desk, kept=kept, clock=clock, tallies=tallies)
    async with serve(hooks.routes()) as url:
        telling = asyncio.create_task(book.run())
        try:
            yield url
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await book.close()
