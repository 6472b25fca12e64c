"""Profiles: the few bits of a client's profile that tracking reads, and their erasure.

Nothing else is copied: neither state nor changelog nor milestone ever holds contact data.
A changed zone moves what lies ahead; days that were fixed before stay as they are.
"""

from datetime import datetime

from schemas.client import Profile
from streams.tracking.local_days import day_number, local_day, minutes_of
from streams.tracking.plan import Plan
from streams.tracking.state import ACTIVE, State, TrackedProfile

_UNKNOWN = TrackedProfile()


def tracked(profile: Profile) -> TrackedProfile:
    """The tracked bits of a profile."""
    return TrackedProfile(
        timezone=profile.timezone,
        day_starts_minutes=None if profile.day_starts_at is None else minutes_of(profile.day_starts_at),
        status=ACTIVE if profile.status == "active" else profile.status,
        birthday=profile.birthday,
        joined_on=None if profile.joined_on is None else day_number(profile.joined_on),
        renewal_on=None if profile.renewal_on is None else day_number(profile.renewal_on),
        tags=profile.tags,
    )


def day_at(state: State, plan: Plan, at: datetime, zone: str | None = None) -> int:
    """The client's local day; `zone` is what the event says, if it says one."""
    profile = state.profile or _UNKNOWN
    starts = profile.day_starts_minutes
    zone = zone or profile.timezone or plan.zone
    return local_day(at, zone, plan.day_starts_minutes if starts is None else starts)


def erase(who: str, plan: Plan, now_ms: int) -> State:
    """The stub that stays of an erased client, so that late events bring nobody back."""
    return State(who=who, stamp=plan.stamp, erased_ms=now_ms)
