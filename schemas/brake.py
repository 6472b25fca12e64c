"""The brake: what people set so that nothing goes out, and how far it reaches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SuppressionAnswer = Literal["hold", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A stop for a tenant, a channel, a rule, or what lies in all of those that are named.

    Attributes:
        tenant: None for every tenant; `channel` and `rule` likewise.
    """

    tenant: str | None = None
    channel: str | None = None
    rule: str | None = None
    reason: str

    def covers(self, *, tenant: str, channel: str, rule: str) -> bool:
        """Whether a message of this tenant, channel and rule may not go."""
        scope = ((self.tenant, tenant), (self.channel, channel), (self.rule, rule))
        return all(named is None or named == value for named, value in scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """The human override for one client.

    Attributes:
        answer: `hold` keeps what is planned until it is lifted or expires; `drop` closes it.
        until: domain time; None until somebody lifts it.
    """

    answer: SuppressionAnswer
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The ledger was restored from a backup: what was heard before it was lost may have left already.

    Attributes:
        tenant: None for every tenant.
        lost_at: real time, to which the ledger was lost.
    """

    tenant: str | None = None
    lost_at: datetime
    reason: str


def recovered_because(recoveries: Iterable[Recovery], *, tenant: str, heard_at: datetime) -> str | None:
    """Why a milestone of this tenant that was first heard then, real time, is held; None when it is not."""
    return next((r.reason for r in recoveries if r.tenant in (None, tenant) and heard_at < r.lost_at), None)
