"""Watches the tenants' folders: what changes and holds up comes into force without a restart.

It must never let files that do not hold up replace those that did, nor take a rulebook whose
version was not raised: partitions and people know a rulebook by its version.

Theory of operation: every two seconds, and at SIGHUP at once, files are compared (`agents.settling`).
A change is read when two looks in a row find the same. What is refused is told once a change, with
file, line and reason, and shown by `cairn_rules_rejected` until it is mended; what the disk does not
give is read again meanwhile. A folder that is gone keeps its tenant until a restart, because a volume
may be away. What is in force is one value that is replaced and never changed.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from time import time
from typing import Generic, TypeVar

import structlog

from agents import metrics
from agents.looks import INTERVAL_SECONDS, looks
from agents.settling import Settling, Stamp, stamp_of
from agents.tenants import (
    FILES,
    RULEBOOK,
    Tenant,
    TenantErrors,
    TenantUnread,
    load_tenant,
    load_tenants,
    tenant_folders,
)
from schemas.yaml_lines import Place, YamlFault, read_yaml

_log = structlog.get_logger()
T = TypeVar("T")


class TenantWatch(Generic[T]):
    """The tenants in force, in the form that their user needs.

    Args:
        tenants_dir: where their folders are.
        prepare: makes that form of all tenants; may take its time, and must not fail.

    Raises:
        TenantErrors: at the start every folder has to hold up.
    """

    def __init__(self, tenants_dir: Path, prepare: Callable[[Mapping[str, Tenant]], T]) -> None:
        self._tenants_dir = tenants_dir
        self._prepare = prepare
        self._settling = Settling()
        for name, folder in tenant_folders(tenants_dir).items():
            self._settling.has_changed(name, stamp_of(folder, FILES), settled=False)
        self._refused: dict[str, str] = {}
        self._unread: dict[str, Stamp] = {}
        self._tenants = load_tenants(tenants_dir)
        self._loaded: set[str] = set()
        self._current = prepare(self._tenants)
        self._show()

    def current(self) -> T:
        """What is in force; the same object until something changes."""
        return self._current

    async def run(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """Look every few seconds until cancelled, and at SIGHUP at once."""
        async with aclosing(looks(interval_seconds)) as turns:
            async for settled in turns:
                await asyncio.to_thread(self.look, settled=settled)

    def look(self, *, settled: bool = True) -> None:
        """Bring into force what has changed and holds up; blocks on the disk, so `run` leaves it to a thread.

        Args:
            settled: whether to read a change only when a second look has found it the same.
        """
        folders = tenant_folders(self._tenants_dir)
        tenants = dict(self._tenants)
        for name, folder in folders.items():
            stamp = stamp_of(folder, FILES)
            if self._settling.has_changed(name, stamp, settled=settled):
                self._judge(folder, stamp, tenants)
        for name in self._settling.missed(folders):
            self._miss(name)
        if tenants != self._tenants:
            self._current = self._prepare(tenants)
            self._tenants = tenants
        self._show()

    def _judge(self, folder: Path, stamp: Stamp, tenants: dict[str, Tenant]) -> None:
        name, held = folder.name, tenants.get(folder.name)
        is_told = self._unread.pop(name, None) == stamp
        self._refused.pop(name, None)
        try:
            found = load_tenant(folder)
        except TenantUnread as error:
            self._settling.read_again(name)
            self._unread[name] = stamp
            self._refuse(name, "invalid", "; ".join(error.lines), is_told=is_told)
            return
        except TenantErrors as error:
            self._refuse(name, "invalid", "; ".join(error.lines))
            return
        if held is not None and held.has_own_rulebook:
            if not found.has_own_rulebook:
                self._refuse(name, "gone", f"{folder / RULEBOOK} is gone; restart to go on with the starter's rules")
                return
            if not _follows(held, found):
                self._refuse(name, "version", _version_fault(folder / RULEBOOK, held, found))
                return
        tenants[name] = found
        rulebook = found.rulebook
        _log.info("rules.loaded", tenant=name, version=rulebook.version, digest=rulebook.digest)

    def _miss(self, name: str) -> None:
        self._refused.pop(name, None)
        if name in self._tenants:
            self._refuse(name, "gone", f"{self._tenants_dir / name} is gone; restart to stop serving this tenant")

    def _refuse(self, name: str, reason: str, detail: str, *, is_told: bool = False) -> None:
        self._refused[name] = reason
        if is_told:
            return
        tell = _log.warning if reason == "gone" else _log.error
        tell("rules.rejected", tenant=name, reason=reason, detail=detail)

    def _show(self) -> None:
        for reason in metrics.RULES_REJECTED_REASONS:
            metrics.RULES_REJECTED.labels(reason).set(sum(refused == reason for refused in self._refused.values()))
        digests = {tenant.rulebook.digest for tenant in self._tenants.values()}
        for digest in digests - self._loaded:
            metrics.RULES_LOADED_TIMESTAMP_SECONDS.labels(digest).set(time())
        for digest in self._loaded - digests:
            metrics.RULES_LOADED_TIMESTAMP_SECONDS.remove(digest)
        self._loaded = digests


def _follows(held: Tenant, found: Tenant) -> bool:
    """Whether a rulebook may come after the one in force: a higher version, or the same one with the same meaning."""
    before, after = held.rulebook, found.rulebook
    return after.version > before.version or (after.version, after.digest) == (before.version, before.digest)


def _version_fault(path: Path, held: Tenant, found: Tenant) -> str:
    try:
        place = read_yaml(path.read_text(encoding="utf-8"))[1].get(("version",))
    except (OSError, UnicodeDecodeError, YamlFault):  # changed again since; the next look reads it
        place = None
    place = place or Place(line=1, column=1)
    return (
        f"{path}:{place.line}:{place.column}: version: is {found.rulebook.version}, "
        f"but the rulebook in force has {held.rulebook.version}: raise it whenever the file changes"
    )
