"""What a state is looked at with: a rulebook, what counters are called by it, and which day is today."""

from dataclasses import dataclass
from datetime import datetime

from agents.counter_names import CounterNames
from streams.tracking.local_days import local_day
from streams.tracking.plan import Plan
from streams.tracking.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """What a state is looked at with.

    Attributes:
        names: what counters are called.
        plan: the rulebook whose zone and day count where the profile says none.
        now: which day is today.
        rulebook: what people call that rulebook: its file.
    """

    names: CounterNames
    plan: Plan
    now: datetime
    rulebook: str = "the given rulebook"

    def zone(self, state: State) -> str:
        """The zone of the client's days."""
        return (state.profile and state.profile.timezone) or self.plan.zone

    def today(self, state: State) -> int:
        """The client's local day, counted from 1970."""
        starts = state.profile.day_starts_minutes if state.profile else None
        return local_day(self.now, self.zone(state), self.plan.day_starts_minutes if starts is None else starts)
