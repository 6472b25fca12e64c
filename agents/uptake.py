"""Uptake: what tenants' folders and secret files say now, and who is told when that changes.

One for `cairn serve`, which asks it for tenants and secrets whenever it needs them and keeps neither.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

from agents.intake.served import Secrets
from agents.looks import INTERVAL_SECONDS, looks
from agents.secret_files import SecretFiles
from agents.secret_watch import SecretWatch
from agents.tenant_watch import TenantWatch
from agents.tenants import Tenant

TakeUp = Callable[[Iterable[Tenant], Secrets], None]


class Uptake:
    """The tenants and secrets in force.

    Args:
        tenants_dir: holds a folder for each tenant.
        files: their secrets.

    Raises:
        TenantErrors: at the start every folder has to hold up.
    """

    def __init__(self, tenants_dir: Path, files: SecretFiles) -> None:
        self._tenants = TenantWatch[Mapping[str, Tenant]](tenants_dir, lambda tenants: tenants)
        self._secrets = SecretWatch(files)
        self.tenants = self._tenants.current
        self.secrets = self._secrets.values

    async def run(self, take_up: TakeUp, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """Look every few seconds, and at SIGHUP at once, until cancelled; hand what has changed to `take_up`."""
        async with aclosing(looks(interval_seconds)) as turns:
            async for settled in turns:
                if await asyncio.to_thread(self.look, settled=settled):
                    take_up(self.tenants().values(), self.secrets)

    def look(self, *, settled: bool = True) -> bool:
        """Bring into force what has changed and holds up; whether anything did. Blocks on the disk.

        Args:
            settled: whether to read a change only when a second look has found it the same.
        """
        before = self.tenants()
        self._tenants.look(settled=settled)
        has_changed = self._secrets.look(settled=settled)
        return has_changed or self.tenants() is not before
