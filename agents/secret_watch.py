"""Watches the secret files: what was put, rotated or retired comes into force without a restart.

It must never log a value, nor let a file that cannot be read close an address that was open.

Theory of operation: as `agents.tenant_watch`, with a folder of secrets in the place of a tenant's. Values are
kept in memory, so that no request waits for the disk. A file that is gone from its folder, or empty, counts as
absent: taking a secret away shuts its door. A file of which nothing can be opened keeps the values that were
read before it, and so does a folder that is gone, because a volume may be away; since it comes back file by
file, each name that it held is kept until that is there again. All of it is told once a change, and shown
by `cairn_rules_rejected` until it is mended. What the disk does not give is asked for again.
"""

from collections.abc import Mapping
from pathlib import Path

import structlog

from agents.metrics import RULES_REJECTED
from agents.secret_files import SecretFiles, SecretUnreadable
from agents.settling import Settling, Stamp, stamp_of

_log = structlog.get_logger()
Values = Mapping[str, tuple[str, ...]]
Refusal = tuple[Stamp, str, str]
"""How a folder was, which file of it was not read, and why."""


class SecretWatch:
    """The secrets in force.

    Args:
        files: where they are, and what opens them.
    """

    def __init__(self, files: SecretFiles) -> None:
        self._files = files
        self._settling = Settling()
        self._refused: dict[str, set[Refusal]] = {}
        self._awaited: dict[str, frozenset[str]] = {}
        self._held: Mapping[str, Values] = {}
        self.look(settled=False)

    def values(self, tenant: str, name: str) -> tuple[str, ...]:
        """The valid values of a tenant's secret, newest first; empty when there is none."""
        return self._held.get(tenant, {}).get(name, ())

    def look(self, *, settled: bool = True) -> bool:
        """Bring into force what has changed; whether anything did. Blocks on the disk.

        Args:
            settled: whether to read a change only when a second look has found it the same.
        """
        folders, held = _folders(self._files.folder), dict(self._held)
        for tenant, names in folders.items():
            stamp = stamp_of(self._files.folder / tenant, names)
            if self._settling.has_changed(tenant, stamp, settled=settled):
                held[tenant] = self._read(tenant, names, stamp)
        for tenant in self._settling.missed(folders):
            self._refused[tenant] = set()
            self._awaited[tenant] = frozenset(held.get(tenant, ()))
            self._tell(tenant, f"{self._files.folder / tenant} is gone; restart to go on without its secrets")
        RULES_REJECTED.labels("secret").set(len(self._refused))
        has_changed = held != self._held
        self._held = held
        return has_changed

    def _read(self, tenant: str, names: tuple[str, ...], stamp: Stamp) -> Values:
        """What a folder holds; of a file that cannot be read what it held before."""
        told = self._refused.pop(tenant, set())
        before, found = self._held.get(tenant, {}), dict[str, tuple[str, ...]]()
        for name in self._still_away(tenant, names):
            found[name] = before[name]
            self._refuse(tenant, ((), name, "is not back since its folder was gone; restart to go on without it"), told)
        for name in names:
            opened: tuple[str | None, ...]
            try:
                opened, hint = self._files.opened(tenant, name), "no key of CAIRN_SECRETS_KEY opens it"
            except SecretUnreadable as error:
                opened, hint = (None,), str(error)
                self._settling.read_again(tenant)
            values = tuple(value for value in opened if value is not None)
            if None in opened:
                self._refuse(tenant, (stamp, name, hint), told)
                values = values or before.get(name, ())
            if values:
                found[name] = values
        return found

    def _still_away(self, tenant: str, names: tuple[str, ...]) -> list[str]:
        """What was held when the folder was gone, and has not been there since."""
        away = self._awaited.pop(tenant, frozenset()) - set(names)
        if away:
            self._awaited[tenant] = away
        return sorted(away)

    def _refuse(self, tenant: str, refusal: Refusal, told: set[Refusal]) -> None:
        self._refused.setdefault(tenant, set()).add(refusal)
        if refusal not in told:
            self._tell(tenant, refusal[2], refusal[1])

    @staticmethod
    def _tell(tenant: str, hint: str, name: str | None = None) -> None:
        _log.error("secret.unreadable", tenant=tenant, name=name, hint=hint)


def _folders(folder: Path) -> dict[str, tuple[str, ...]]:
    """The tenants' folders and the names in each; hidden ones are a mounted volume's own."""
    return {tenant: names for tenant in _names(folder) or () if (names := _names(folder / tenant)) is not None}


def _names(folder: Path) -> tuple[str, ...] | None:
    """None where there is no folder, or it cannot be read."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")))
    except OSError:
        return None
