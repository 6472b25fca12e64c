"""Tempo: how fast the play's calendar runs, and when in real time each of its moments comes."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """The play's calendar, mapped to real time; the three processes get the same map as settings.

    Attributes:
        first_at: the calendar's beginning.
        until: its end; from then on time goes at the machine's pace.
        start_at: the real instant of `first_at`.
        real_seconds: how long the play takes.
    """

    first_at: datetime
    until: datetime
    start_at: datetime
    real_seconds: float

    @property
    def speed(self) -> float:
        """Seconds of the calendar in a real second."""
        return (self.until - self.first_at).total_seconds() / self.real_seconds

    @property
    def end_at(self) -> datetime:
        """The real instant of `until`."""
        return self.start_at + timedelta(seconds=self.real_seconds)

    def real_at(self, at: datetime) -> datetime:
        """The real instant of a moment of the calendar."""
        return self.start_at + (at - self.first_at) / self.speed

    def calendar_at(self, real_at: datetime) -> datetime:
        """The moment of the calendar at a real instant."""
        if real_at > self.end_at:
            return self.until + (real_at - self.end_at)
        return self.first_at + (real_at - self.start_at) * self.speed

    def environment(self) -> dict[str, str]:
        """The settings by which a process of Cairn keeps this time."""
        return {
            "CAIRN_CLOCK_ORIGIN": self.first_at.isoformat(),
            "CAIRN_CLOCK_START": self.start_at.isoformat(),
            "CAIRN_CLOCK_SPEED": str(self.speed),
            "CAIRN_CLOCK_END": self.end_at.isoformat(),
        }
