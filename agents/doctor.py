"""`cairn doctor`: asks everything that Cairn depends on whether it is there and fits.

Each check is one question with one finding; a failing check never hides the next. Reads
only: it creates nothing, sends no mail and joins no group.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import aiosmtplib
import asyncpg
import dns.asyncresolver
import dns.exception
from aiokafka.errors import KafkaError

from agents import topics
from agents.channel_checks import check_channels
from agents.finding import Finding
from agents.ledger.parked import parked_by_reason
from agents.ledger.pool import Pool, connect
from agents.ledger.schema_version import SchemaMismatch, require_current
from agents.secret_files import SecretUnreadable
from agents.settings import DeliverSettings, ServeSettings, Settings, SettingsError, TrackSettings, read
from agents.tenants import Tenant, TenantErrors, load_tenants
from schemas.tenant import Source, lacking_to_ask, missing_secrets

_DNS_SECONDS = 5.0
_CONNECT_SECONDS = 10.0
_NOT_REACHED = (OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, aiosmtplib.SMTPException)


async def examine() -> AsyncIterator[Finding]:
    """Every finding in order: settings, tenants, secrets, Kafka, Postgres, SMTP, DNS."""
    kinds: tuple[tuple[str, type[Settings]], ...] = (
        ("track", TrackSettings),
        ("deliver", DeliverSettings),
        ("serve", ServeSettings),
    )
    for name, kind in kinds:
        yield _settings(name, kind)
    try:
        settings = read(DeliverSettings)
    except SettingsError:
        yield Finding(subject="rest", verdict="failed", text="not examined: mend the settings of deliver first")
        return
    tenants: dict[str, Tenant] = {}
    try:
        tenants = load_tenants(settings.tenants_dir)
        yield Finding(subject="tenants", verdict="ok", text=f"{len(tenants)}: {', '.join(tenants)}")
    except TenantErrors as error:
        yield Finding(subject="tenants", verdict="failed", text=str(error))
    for tenant in tenants.values():
        for finding in _keys(settings, tenant):
            yield finding
    yield _sealing(settings)
    checks: tuple[tuple[str, Callable[[DeliverSettings], Awaitable[Finding]]], ...] = (
        ("kafka", _kafka),
        ("postgres", _postgres),
        ("parked records", _parked),
        ("smtp", _smtp),
    )
    for subject, check in checks:
        try:
            yield await check(settings)
        except SchemaMismatch as error:
            yield Finding(subject=subject, verdict="failed", text=str(error))
        except _NOT_REACHED as error:
            yield Finding(subject=subject, verdict="failed", text=f"not reached: {type(error).__name__}: {error}")
    for domain in sorted({tenant.sender.from_address.rpartition("@")[2] for tenant in tenants.values()}):
        yield await _mail_domain(domain)


def _settings(name: str, kind: type[Settings]) -> Finding:
    try:
        read(kind)
    except SettingsError as error:
        return Finding(subject=f"settings of {name}", verdict="failed", text=str(error))
    return Finding(subject=f"settings of {name}", verdict="ok", text="complete")


def _keys(settings: DeliverSettings, tenant: Tenant) -> Iterator[Finding]:
    """Whether what a tenant's sources and channels authenticate with is there."""
    for source in tenant.sources:
        yield _secrets(settings, tenant, source)
    yield from check_channels(tenant, settings.secret_files)


def _secrets(settings: DeliverSettings, tenant: Tenant, source: Source) -> Finding:
    subject, values = f"source {tenant.id}/{source.name}", settings.secret_files.values
    try:
        missing, lacking = missing_secrets(tenant.id, source, values), lacking_to_ask(tenant.id, source, values)
    except SecretUnreadable as error:
        return Finding(subject=subject, verdict="failed", text=str(error))
    if missing:
        text = f"no secret file {' and '.join(missing)} in {settings.secrets_dir / tenant.id}"
        return Finding(subject=subject, verdict="failed", text=text)
    unasked = " and ".join(lacking)
    text = f"secrets present; completions are believed unasked without {unasked}" if unasked else "secrets present"
    return Finding(subject=subject, verdict="ok", text=text)


def _sealing(settings: DeliverSettings) -> Finding:
    """Whether secrets lie on the disk as whoever reads it may use them."""
    plain = [f"{one.tenant}/{one.name}" for one in settings.secret_files.list_all() if one.plain]
    if not plain:
        return Finding(subject="secrets on the disk", verdict="ok", text="none lies unsealed")
    first = (
        "" if settings.secrets_key else "set CAIRN_SECRETS_KEY to what `cairn secrets key` makes, for every process; "
    )
    text = f"unsealed: {', '.join(plain)}; {first}`cairn secrets seal` seals them"
    return Finding(subject="secrets on the disk", verdict="warning", text=text)


async def _kafka(settings: DeliverSettings) -> Finding:
    differences = [d for d in await topics.compare(settings) if not d.is_empty]
    if differences:
        names = ", ".join(d.topic.name for d in differences)
        return Finding(subject="kafka", verdict="failed", text=f"run `cairn topics apply`; differs: {names}")
    return Finding(subject="kafka", verdict="ok", text=f"topics as they should be, {settings.partitions} partitions")


async def _postgres(settings: DeliverSettings) -> Finding:
    async with _ledger(settings) as pool:
        version = await pool.fetchval("SHOW server_version")
    return Finding(subject="postgres", verdict="ok", text=f"PostgreSQL {version}, schema current")


async def _parked(settings: DeliverSettings) -> Finding:
    """Whether milestones or profiles wait because delivery refused them."""
    async with _ledger(settings) as pool:
        counts = await parked_by_reason(pool)
    if counts:
        which = ", ".join(f"{count} {reason} of {topic}" for (topic, reason), count in counts.items())
        text = f"{which}: see `cairn dlq list`; mend the cause, then `cairn dlq replay`"
        return Finding(subject="parked records", verdict="warning", text=text)
    return Finding(subject="parked records", verdict="ok", text="none")


@asynccontextmanager
async def _ledger(settings: DeliverSettings) -> AsyncIterator[Pool]:
    pool = await connect(settings.database_url.get_secret_value())
    try:
        await require_current(pool)
        yield pool
    finally:
        await pool.close()


async def _smtp(settings: DeliverSettings) -> Finding:
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        timeout=_CONNECT_SECONDS,
        use_tls=settings.smtp_tls == "implicit",
        start_tls=settings.smtp_tls == "starttls",
    )
    async with client:
        if settings.smtp_username and settings.smtp_password:
            await client.login(settings.smtp_username, settings.smtp_password.get_secret_value())
    if settings.smtp_tls == "off":
        return Finding(subject="smtp", verdict="warning", text="reached, without TLS: only for a local server")
    return Finding(subject="smtp", verdict="ok", text="reached, encrypted")


async def _mail_domain(domain: str) -> Finding:
    """Whether receivers can tell that mails of this domain are genuine (SPF, DMARC)."""
    wanted = ((domain, "v=spf1", "SPF"), (f"_dmarc.{domain}", "v=DMARC1", "DMARC"))
    missing = [what for name, mark, what in wanted if not await _has_text_record(name, mark)]
    if missing:
        text = f"no {' and no '.join(missing)} record found: mails may be taken for spam"
        return Finding(subject=f"mail domain {domain}", verdict="warning", text=text)
    return Finding(subject=f"mail domain {domain}", verdict="ok", text="SPF and DMARC found")


async def _has_text_record(name: str, mark: str) -> bool:
    try:
        answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=_DNS_SECONDS)
    except dns.exception.DNSException:
        return False
    return any(mark in record.to_text() for record in answer)
