"""The desk: what becomes of a verified hook, whether it just came or was kept for later.

It must never drop one in silence: a hook is admitted, set aside with its reason and counted, or
its sender is told to come again.
"""

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Final, Literal

import asyncpg
import structlog

from agents.intake.admission import Admission
from agents.intake.finding import REASONS, Finding, Ignored
from agents.intake.hook_source import HookSource, Place
from agents.intake.source_away import SourceAway
from agents.intake.tallies import Tallies
from agents.metrics import DEAD_LETTERS
from schemas.refusal import Refused

Outcome = Literal["accepted", "set_aside", "erased"]
_BEST_FIRST: Final[tuple[Outcome, ...]] = ("accepted", "set_aside", "erased")

_AWAY = (SourceAway, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_log = structlog.get_logger()

for _reason in REASONS:
    DEAD_LETTERS.labels(_reason)


class Desk:
    """Reads hooks and hands what they say to admission.

    Args:
        admission: takes what they say.
        tallies: what became of each source's hooks.
    """

    def __init__(self, admission: Admission, tallies: Tallies | None = None) -> None:
        self._admission = admission
        self._tallies = tallies or Tallies()

    async def take(
        self,
        tenant: str,
        source: HookSource,
        headers: Mapping[str, str],
        body: bytes,
        heard_at: datetime,
        asking: Place = nullcontext,
    ) -> Outcome:
        """Admit what the hook says, or set it aside; `asking` is held while its tool is asked.

        Raises:
            SourceAway: the tool had to be asked and does not answer, or `asking` says that it is asked enough.
            SpoolFull: Kafka is away and the spool has no room.
            asyncpg.PostgresError, OSError: the database or the disk is away.
        """
        try:
            found = await source.read(headers, body, heard_at, asking)
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours must not make a vendor switch its hooks off: it is parked
            _log.exception("translator_failed", tenant=tenant, source=source.name)
            found = (Ignored(reason="translator_failed", detail="our translator failed; its place is in the log"),)
        outcomes = {await self._settle(tenant, source, body, one, heard_at) for one in found}
        best = next(outcome for outcome in _BEST_FIRST if outcome in outcomes)
        if best != "set_aside":
            self._tallies.accepted(tenant, source.name)
        return best

    async def take_beside(self, tenant: str, source: HookSource, away: SourceAway, heard_at: datetime) -> None:
        """Admit what a hook that was kept says about which nobody has to be asked: it does not wait for the tool.

        It is the same events again when the whole hook is read, and what cannot be admitted is set aside then, once.

        Raises:
            SpoolFull: Kafka is away and the spool has no room.
            asyncpg.PostgresError, OSError: the database or the disk is away.
        """
        for one in away.beside:
            with suppress(Refused):
                await self._admission.admit(tenant, source.name, one, heard_at)

    async def _settle(
        self, tenant: str, source: HookSource, body: bytes, found: Finding | Ignored, heard_at: datetime
    ) -> Outcome:
        """Admit one thing that a hook said, or set the hook aside for it; the others are not spoilt."""
        if isinstance(found, Finding):
            try:
                is_admitted = await self._admission.admit(tenant, source.name, found, heard_at)
            except Refused as refused:
                found = Ignored(reason=refused.reason, detail=refused.detail)
            else:
                return "accepted" if is_admitted else "erased"
        await self.set_aside(tenant, source.name, body, found, heard_at)
        return "set_aside"

    async def set_aside(
        self,
        tenant: str,
        source: str,
        body: bytes,
        ignored: Ignored,
        heard_at: datetime | None,
        *,
        is_sealed: bool = False,
    ) -> None:
        """Park the hook of a source, by its name, in the dead letters and count it; see `Admission.set_aside`."""
        await self._admission.set_aside(tenant, source, body, ignored, heard_at, is_sealed=is_sealed)
        DEAD_LETTERS.labels(ignored.reason).inc()
        self._tallies.failed(tenant, source, ignored.reason)
        _log.warning("hook_set_aside", tenant=tenant, source=source, reason=ignored.reason)
