"""The clock: domain time, in which coaching happens, as a linear map of real time.

In service the map is the identity. A demonstration may run faster, 90 days in 80 seconds, up
to a real instant from which both clocks go at the same pace: what it shows then stands still.
Domain time decides deadlines, days and quiet hours. Leases, time-outs, signatures and
measured latencies never come here; they use the machine's own clock.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Maps real milliseconds since the epoch to domain milliseconds.

    Attributes:
        start_ms: the real instant at which both clocks meet `origin_ms`.
        origin_ms: the domain instant at `start_ms`.
        speed: domain seconds in a real second, until `end_ms`.
        end_ms: the real instant from which the speed is 1; None for never.
    """

    start_ms: int = 0
    origin_ms: int = 0
    speed: float = 1.0
    end_ms: int | None = None

    def domain_ms(self, real_ms: int) -> int:
        """The domain instant of a real one, as of a record's append time."""
        scaled_ms = real_ms if self.end_ms is None else min(real_ms, self.end_ms)
        return self.origin_ms + round((scaled_ms - self.start_ms) * self.speed) + real_ms - scaled_ms

    def now_ms(self) -> int:
        """The domain instant now."""
        return self.domain_ms(real_now_ms())

    def now(self) -> datetime:
        """The domain instant now, in UTC."""
        return datetime.fromtimestamp(self.now_ms() / 1000, tz=UTC)

    def real_seconds(self, domain_seconds: float) -> float:
        """How long a domain span that begins now takes in real seconds."""
        if self.end_ms is None:
            return domain_seconds / self.speed
        scaled = max(0.0, (self.end_ms - real_now_ms()) / 1000 * self.speed)
        return min(domain_seconds, scaled) / self.speed + max(0.0, domain_seconds - scaled)


def real_now_ms() -> int:
    """The machine's clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
