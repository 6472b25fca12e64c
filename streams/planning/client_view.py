"""What planning may know about a client: no name, no address, only what decides.

Theory of operation: profile, opt-outs and suppression are read from the ledger and reduced
to one frozen value, once for planning and once more at release. A client without a profile
may be answered (service is allowed with nothing recorded); the sender then waits for an
address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from schemas.brake import Suppression
from schemas.client import ConsentKind, Profile
from schemas.tenant import Coach

_ALLOWED_WHEN_UNRECORDED: frozenset[ConsentKind] = frozenset({"service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """A client as planning sees them.

    Attributes:
        zone: the client's zone; unknown, the coach's; unknown too, the tenant's.
        consents: what is recorded, by kind.
        unwanted: channels that the client's preferences switch off.
        opted_out: channels that the client left by a link or a reply.
        suppression: the one in force now, if any.
        tags: as the profile has them.
    """

    erased: bool
    zone: ZoneInfo
    coach: str | None = None
    consents: frozenset[tuple[ConsentKind, bool]] = frozenset()
    unwanted: frozenset[str] = frozenset()
    opted_out: frozenset[str] = frozenset()
    suppression: Suppression | None = None
    tags: frozenset[str] = frozenset()

    def consents_to(self, kind: ConsentKind) -> bool:
        """Whether `kind` is allowed; with nothing recorded only service is."""
        if (kind, False) in self.consents:
            return False
        return (kind, True) in self.consents or kind in _ALLOWED_WHEN_UNRECORDED


def fallback_zone(coach: Coach, tenant_zone: str) -> str:
    """The zone of a client who named none: the coach's if their file says one, else the tenant's."""
    return coach.timezone if "timezone" in coach.model_fields_set else tenant_zone


def view_client(
    profile: Profile | None,
    *,
    erased: bool,
    fallback_zone: str,
    opted_out: Iterable[str] = (),
    suppression: Suppression | None = None,
) -> ClientView:
    """Reduce what the ledger holds to what decides.

    `profile` is None before one arrived and after erasure; `fallback_zone` is the coach's
    zone, or else the tenant's.
    """
    known = profile or Profile()
    return ClientView(
        erased=erased,
        zone=ZoneInfo(known.timezone or fallback_zone),
        coach=known.coach_id,
        consents=frozenset((kind, consent.granted) for kind, consent in known.consents.items()),
        unwanted=frozenset(channel for channel, wanted in known.channels.items() if not wanted),
        opted_out=frozenset(opted_out),
        suppression=suppression,
        tags=frozenset(known.tags),
    )
