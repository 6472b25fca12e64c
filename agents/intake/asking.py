"""Where completions of a source that signs nothing are asked back, and with which of its secrets.

These secrets may be missing, and then nobody is asked: the source is on, and its secret path has to do.
"""

from functools import lru_cache

import aiohttp
import structlog
from aiolimiter import AsyncLimiter

from agents.intake.kajabi_api import REQUESTS_PER_SECOND, KajabiApi
from agents.intake.served import Secrets
from agents.intake.teachable_api import REQUESTS_PER_MINUTE, TeachableApi
from schemas.tenant import KajabiSource, Source, TeachableSource, lacking_to_ask

_MOST_LIMITERS = 10_000

_log = structlog.get_logger()


class Asking:
    """Makes the APIs that are asked, and outlives them.

    A tenant's sources at one address share a limiter, also with the source that an edit or a new key puts in the place
    of one. The limiters that were asked for last are remembered, 10,000 of them.

    Args:
        session: an HTTP session that may be shared.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._limiter = lru_cache(_MOST_LIMITERS)(_limiter)

    def teachable(self, tenant: str, source: TeachableSource, secrets: Secrets) -> TeachableApi | None:
        """The school's API; None without its key."""
        values, base_url = _newest(tenant, source, secrets), str(source.base_url)
        limiter = self._limiter(tenant, base_url, REQUESTS_PER_MINUTE, 60)
        return TeachableApi(self._session, limiter, base_url=base_url, **values) if values else None

    def kajabi(self, tenant: str, source: KajabiSource, secrets: Secrets) -> KajabiApi | None:
        """The account's API; None without both of its credentials."""
        values, base_url = _newest(tenant, source, secrets), str(source.base_url)
        limiter = self._limiter(tenant, base_url, REQUESTS_PER_SECOND, 1)
        return KajabiApi(self._session, limiter, base_url=base_url, **values) if values else None


def _limiter(_tenant: str, _base_url: str, most: float, seconds: float) -> AsyncLimiter:
    """One for each tenant and address, once it is remembered."""
    return AsyncLimiter(most, seconds)


def _newest(tenant: str, source: Source, secrets: Secrets) -> dict[str, str]:
    """The newest value of each secret that asking needs; empty, and said, where one is missing."""
    lacking = lacking_to_ask(tenant, source, secrets)
    if not lacking:
        return {part: secrets(tenant, f"{source.name}.{part}")[0] for part in source.asking_secrets}
    say = _log.info if len(lacking) == len(source.asking_secrets) else _log.error
    hint = f"completions are believed unasked: write the secret files {' and '.join(lacking)}"
    say("source_not_asked", tenant=tenant, source=source.name, hint=hint)
    return {}
