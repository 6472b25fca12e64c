"""Where completions of a source that signs nothing are asked back, and with which of its secrets.

These secrets may be missing, and then nobody is asked: the source is on, and its secret path has to do.
"""

import aiohttp
import structlog

from agents.intake.kajabi_api import KajabiApi
from agents.intake.served import Secrets
from agents.intake.teachable_api import TeachableApi
from schemas.tenant import KajabiSource, Source, TeachableSource, lacking_to_ask

_log = structlog.get_logger()


def teachable_api(
    tenant: str, source: TeachableSource, secrets: Secrets, session: aiohttp.ClientSession
) -> TeachableApi | None:
    """The school's API; None without its key."""
    values = _newest(tenant, source, secrets)
    return TeachableApi(session, base_url=str(source.base_url), **values) if values else None


def kajabi_api(tenant: str, source: KajabiSource, secrets: Secrets, session: aiohttp.ClientSession) -> KajabiApi | None:
    """The account's API; None without both of its credentials."""
    values = _newest(tenant, source, secrets)
    return KajabiApi(session, base_url=str(source.base_url), **values) if values else None


def _newest(tenant: str, source: Source, secrets: Secrets) -> dict[str, str]:
    """The newest value of each secret that asking needs; empty, and said, where one is missing."""
    lacking = lacking_to_ask(tenant, source, secrets)
    if not lacking:
        return {part: secrets(tenant, f"{source.name}.{part}")[0] for part in source.asking_secrets}
    say = _log.info if len(lacking) == len(source.asking_secrets) else _log.error
    hint = f"completions are believed unasked: write the secret files {' and '.join(lacking)}"
    say("source_not_asked", tenant=tenant, source=source.name, hint=hint)
    return {}
