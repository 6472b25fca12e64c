"""Hearing: for whom and from when a rule speaks.

State and ledger move for everybody; what is decided here is only whether subscribers hear of it.
A client's place in a share is a stable hash of rule and client, so that a share that grows keeps
those it had.
"""

from datetime import datetime
from hashlib import blake2b

from msgspec import Struct

from streams.tracking.plan import Plan, PlannedRule
from streams.tracking.profiles import day_at
from streams.tracking.state import State

_PLACES = 2.0**64


class Hearing(Struct, frozen=True, gc=False):
    """What happens to a client at an instant, and whether all of it is silent."""

    state: State
    plan: Plan
    at: datetime
    silent: bool

    def hears(self, rule: PlannedRule) -> bool:
        """Whether what is first reached now is emitted."""
        return not self.silent and (rule.is_open or self._is_meant(rule))

    def _is_meant(self, rule: PlannedRule) -> bool:
        if rule.effective_from is not None and day_at(self.state, self.plan, self.at) < rule.effective_from:
            return False
        audience = rule.audience
        if audience is None:
            return True
        tags = self.state.profile.tags if self.state.profile else ()
        return (
            (audience.share is None or share_of(rule.id, self.state.who) < audience.share)
            and (audience.tags is None or not audience.tags.isdisjoint(tags))
            and (audience.ids is None or self.state.who.partition("/")[2] in audience.ids)
        )


def share_of(rule: str, who: str) -> float:
    """A client's place under a rule, from 0 up to but not including 1."""
    digest = blake2b(f"{rule}\x1f{who}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (_PLACES / 2**11)
